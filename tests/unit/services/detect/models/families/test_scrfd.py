"""SCRFD on real frames, against what MediaPipe says of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from services.detect.detector import GraphDetector
from services.detect.models.families.scrfd import compose
from shared.model.errors import Misconfigured


@pytest.fixture(params=["scrfd_500m_kps.onnx", "scrfd_2.5g_kps.onnx"])
def detector(request: Any, published: Any, opened: Any) -> GraphDetector:
    composed = compose("scrfd", published(request.param))
    return GraphDetector(opened(composed.content), size_px=640, multiple_px=32, keypoints=composed.points)


@pytest.mark.parametrize("name", ["signer_plain.mkv", "signer_occluded.mkv", "two_heads.mp4"])
def test_every_face_that_mediapipe_boxes_is_found(detector: GraphDetector, boxes_met: Any, name: str) -> None:
    assert all(boxes_met(detector, name))


def test_key_points_are_those_of_the_mesh_the_person_s_right_first(detector: GraphDetector, keypoints_off: Any) -> None:
    assert (np.median(keypoints_off(detector), axis=0) < 0.1).all()


def test_a_second_smaller_size_finds_what_is_too_large_for_the_first(
    published: Any, opened: Any, finder: Any, clip: Any, close_up: Any
) -> None:
    (picture,) = clip("signer_720p.mp4", 1)
    (face,) = finder.find(picture)
    engine = opened(compose("scrfd", published("scrfd_500m_kps.onnx")).content)
    one, two = (GraphDetector(engine, size_px=640, multiple_px=32, keypoints=5, more_px=more) for more in ((), (160,)))
    near = close_up(picture, face, 1.5)
    assert one.detect(near) == []
    (seen,) = two.detect(near)
    assert seen.box_px[3] - seen.box_px[1] > 720
    assert len(one.detect(picture)) == len(two.detect(picture)) == 1


def test_another_detector_is_refused(published: Any) -> None:
    with pytest.raises(Misconfigured, match="an SCRFD with key points has scores, boxes and points"):
        compose("yunet", published("yunet_n_dynamic.onnx"))


def test_a_landmark_model_is_refused(published: Any) -> None:
    with pytest.raises(Misconfigured, match="cannot take 1 pictures of 256 x 192"):
        compose("pfld", published("pfld_68.onnx"))


def test_a_model_for_one_size_only_is_refused(stride_outputs: Any) -> None:
    columns = {"scores": 1, "boxes": 4, "points": 10}
    counts = {8: 12800, 16: 3200, 32: 800}
    ports = {f"{kind}_{stride}": (counts[stride], wide) for kind, wide in columns.items() for stride in counts}
    with pytest.raises(Misconfigured, match="one size"):
        compose("fixed", stride_outputs(ports))
