"""Anchors, suppression and averaging on rows made by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import helper

from services.detect.models.detection_head import emit_faces
from services.detect.models.emitting import FLOAT, UINT8, Emitter
from services.detect.models.registry import AnchorLayer
from services.detect.models.suppression import MOST_FACES

LAYERS = (AnchorLayer(stride_px=8, per_cell=2), AnchorLayer(stride_px=16, per_cell=6))
HEIGHT, WIDTH = 64, 96
FINE, COARSE = 8 * 12 * 2, 4 * 6 * 6


class Head:
    """The head alone; anchors light up one by one."""

    def __init__(self) -> None:
        e = Emitter()
        emit_faces(e, "rows", "logits", "image", LAYERS)
        inputs = {"rows": [1, "anchors", 16], "logits": [1, "anchors", 1], "min_score": [1]}
        outputs = {"boxes": ["n", 4], "keypoints": ["n", 6, 2], "scores": ["n"]}
        image = helper.make_tensor_value_info("image", UINT8, [1, "height", "width", 3])
        infos = [[helper.make_tensor_value_info(n, FLOAT, s) for n, s in ends.items()] for ends in (inputs, outputs)]
        content = e.model("head", [image, *infos[0]], infos[1])
        self._session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        self._rows = np.zeros((1, FINE + COARSE, 16), np.float32)
        self._logits = np.full((1, FINE + COARSE, 1), -9, np.float32)

    def light(self, anchor: int, logit: float, size: float = 20, shift: float = 0) -> None:
        self._rows[0, anchor, :4] = (shift, 0, size, size)
        self._logits[0, anchor] = logit

    def faces(self) -> list[Any]:
        image = np.zeros((1, HEIGHT, WIDTH, 3), np.uint8)
        feeds = {"rows": self._rows, "logits": self._logits, "image": image, "min_score": np.float32([0.5])}
        return list(self._session.run(None, feeds))


@pytest.fixture
def head() -> Head:
    return Head()


def test_nothing_lit_is_no_face(head: Head) -> None:
    boxes, keypoints, scores = head.faces()
    assert boxes.shape == (0, 4)
    assert keypoints.shape == (0, 6, 2)
    assert scores.shape == (0,)


@pytest.mark.parametrize(
    ("anchor", "centre"),
    [
        (0, (4, 4)),
        (1, (4, 4)),
        (2, (12, 4)),
        (24, (4, 12)),
        (FINE - 1, (92, 60)),
        (FINE, (8, 8)),
        (FINE + 36, (8, 24)),
        (FINE + COARSE - 1, (88, 56)),
    ],
)
def test_anchors_lie_row_by_row_layer_by_layer(head: Head, anchor: int, centre: tuple[int, int]) -> None:
    head.light(anchor, 3)
    boxes, keypoints, _ = head.faces()
    np.testing.assert_allclose(boxes[0], (*np.subtract(centre, 10), *np.add(centre, 10)))
    np.testing.assert_allclose(keypoints[0], np.tile(centre, (6, 1)))


def test_overlapping_rows_are_one_face_weighed_by_score(head: Head) -> None:
    head.light(30, 0, shift=0)  # score 1/2
    head.light(31, np.log(3), shift=5)  # score 3/4, same place
    boxes, _, scores = head.faces()
    np.testing.assert_allclose(scores, [0.75])
    np.testing.assert_allclose(boxes[0, 0], 28 - 10 + 5 * 0.75 / 1.25, rtol=1e-6)


def test_a_row_counts_for_the_best_of_two_faces_only(head: Head) -> None:
    head.light(30, 4, shift=0)
    head.light(31, 2, shift=9)  # overlaps both
    head.light(32, 3, shift=10)  # from the next cell: overlaps the second, not the first
    boxes, _, scores = head.faces()
    assert len(scores) == 2
    np.testing.assert_allclose(boxes[1], (36, 2, 56, 22), rtol=1e-6)


def test_apart_faces_come_best_first(head: Head) -> None:
    head.light(0, 1)
    head.light(20, 2)
    _, _, scores = head.faces()
    assert len(scores) == 2
    assert scores[0] > scores[1]


def test_a_crowd_is_cut(head: Head) -> None:
    for anchor in range(0, FINE, 2):
        head.light(anchor, 3, size=4)
    assert len(head.faces()[2]) == MOST_FACES
