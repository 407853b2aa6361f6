"""YuNet on real frames, against what MediaPipe says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from services.detect.detector import GraphDetector
from services.detect.models.families.yunet import compose
from shared.model.errors import Misconfigured

if TYPE_CHECKING:
    from services.detect.contracts import Detection

FILES = {"signer_plain": "signer_plain.mkv", "signer_occluded": "signer_occluded.mkv", "two_heads": "two_heads.mp4"}


@pytest.fixture
def detector(published: Any, opened: Any) -> GraphDetector:
    composed = compose("yunet", published("yunet_n_dynamic.onnx"))
    return GraphDetector(opened(composed.content), size_px=320, multiple_px=32, keypoints=composed.points)


def inside(seen: Detection, box: Any) -> bool:
    x0, y0, x1, y1 = seen.box_px
    return bool(box[0] < (x0 + x1) / 2 < box[2] and box[1] < (y0 + y1) / 2 < box[3])


@pytest.mark.parametrize("name", FILES)
def test_every_face_that_mediapipe_boxes_is_found(detector: GraphDetector, golden: Any, clip: Any, name: str) -> None:
    expected, pictures = golden(name), clip(FILES[name], 50)
    for number in range(0, 50, 10):
        found = detector.detect(pictures[number])
        boxes = expected["box"][expected["box_frame"] == number]
        assert all(any(inside(seen, box) for seen in found) for box in boxes)


def test_key_points_are_those_of_the_mesh_the_person_s_right_first(
    detector: GraphDetector, golden: Any, clip: Any, five_of_mesh: Any
) -> None:
    expected = golden("signer_plain")
    off = []
    for number, picture in enumerate(clip("signer_plain.mkv", 5)):
        (seen,) = detector.detect(picture)
        points = five_of_mesh(expected["mesh"][expected["mesh_frame"] == number][0])
        off.append(np.linalg.norm(seen.keypoints_px - points, axis=1) / np.linalg.norm(points[0] - points[1]))
    assert (np.median(off, axis=0) < 0.25).all()


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
