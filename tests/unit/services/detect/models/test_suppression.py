"""Suppression and averaging, on candidates made by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import helper

from services.detect.models.emitting import FLOAT, INT64, Emitter
from services.detect.models.suppression import CANDIDATES, emit_likeliest, emit_suppressed


def suppressed(points: int, rows: list[list[float]], scores: list[float]) -> list[Any]:
    e = Emitter()
    emit_suppressed(e, "rows", "likely", points)
    inputs = {"rows": ["n", 4 + 2 * points], "likely": ["n"], "min_score": [1]}
    outputs = {"boxes": ["m", 4], "keypoints": ["m", points, 2], "scores": ["m"]}
    infos = [[helper.make_tensor_value_info(n, FLOAT, s) for n, s in ends.items()] for ends in (inputs, outputs)]
    content = e.model("suppression", *infos)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    feeds = {"rows": np.float32(rows), "likely": np.float32(scores), "min_score": np.float32([0.5])}
    return list(session.run(None, feeds))


@pytest.mark.parametrize("points", [5, 6])
def test_two_that_overlap_are_one_by_score_with_all_its_points(points: int) -> None:
    rows = [[0.0, 0, 10, 10, *range(2 * points)], [3, 0, 13, 10, *range(3, 2 * points + 3)]]
    boxes, keypoints, scores = suppressed(points, rows, [0.8, 0.6])
    moved = 3 * 0.6 / 1.4
    np.testing.assert_allclose(boxes, [[moved, 0, 10 + moved, 10]], rtol=1e-6)
    np.testing.assert_allclose(keypoints, [np.arange(2.0 * points).reshape(points, 2) + moved], rtol=1e-6)
    np.testing.assert_allclose(scores, [0.8])


def test_two_apart_are_two() -> None:
    boxes, _, _ = suppressed(5, [[0.0] * 2 + [10] * 12, [20.0] * 2 + [30] * 12], [0.9, 0.8])
    np.testing.assert_allclose(boxes, [[0, 0, 10, 10], [20, 20, 30, 30]])


def test_one_below_the_least_score_neither_stays_nor_counts() -> None:
    boxes, _, scores = suppressed(
        5, [[0.0] * 2 + [10] * 12, [2.0] * 2 + [12] * 12, [40.0] * 2 + [50] * 12], [0.9, 0.4, 0.4]
    )
    np.testing.assert_allclose(boxes, [[0, 0, 10, 10]])
    np.testing.assert_allclose(scores, [0.9])


@pytest.mark.parametrize("anchors", [10, CANDIDATES + 10])
def test_the_likeliest_come_first_and_a_small_picture_may_have_fewer(anchors: int) -> None:
    e = Emitter()
    e.node("Identity", emit_likeliest(e, "likely")[1], name="chosen")
    infos = [helper.make_tensor_value_info(name, kind, ["n"]) for name, kind in (("likely", FLOAT), ("chosen", INT64))]
    content = e.model("likeliest", infos[:1], infos[1:])
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    likely = np.random.default_rng(0).permutation(anchors).astype(np.float32)
    [chosen] = session.run(None, {"likely": likely})
    np.testing.assert_array_equal(likely[chosen], np.arange(anchors)[::-1][:CANDIDATES])
