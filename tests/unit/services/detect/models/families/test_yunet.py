"""YuNet on real frames, against what MediaPipe says of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from services.detect.detector import GraphDetector
from services.detect.models.families.yunet import compose
from shared.model.errors import Misconfigured


@pytest.fixture
def detector(published: Any, opened: Any) -> GraphDetector:
    composed = compose("yunet", published("yunet_n_dynamic.onnx"))
    return GraphDetector(opened(composed.content), size_px=320, multiple_px=32, keypoints=composed.points)


@pytest.mark.parametrize("name", ["signer_plain.mkv", "signer_occluded.mkv", "two_heads.mp4"])
def test_every_face_that_mediapipe_boxes_is_found(detector: GraphDetector, boxes_met: Any, name: str) -> None:
    assert all(boxes_met(detector, name))


def test_key_points_are_those_of_the_mesh_the_person_s_right_first(detector: GraphDetector, keypoints_off: Any) -> None:
    assert (np.median(keypoints_off(detector), axis=0) < 0.25).all()


def test_scores_are_probabilities(detector: GraphDetector, clip: Any) -> None:
    (seen,) = detector.detect(clip("signer_plain.mkv", 1)[0])
    assert 0.7 < seen.score <= 1


def test_another_detector_is_refused(published: Any) -> None:
    with pytest.raises(Misconfigured, match="no output cls_8"):
        compose("scrfd", published("scrfd_500m_kps.onnx"))


def test_a_model_for_one_size_only_is_refused(stride_outputs: Any) -> None:
    columns = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
    counts = {8: 6400, 16: 1600, 32: 400}
    ports = {f"{kind}_{stride}": (counts[stride], wide) for kind, wide in columns.items() for stride in counts}
    with pytest.raises(Misconfigured, match="one size"):
        compose("fixed", stride_outputs(ports))
