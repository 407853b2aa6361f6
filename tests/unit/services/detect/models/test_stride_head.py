"""Rows of two strides, made by hand."""

from __future__ import annotations

import numpy as np
import onnxruntime
from onnx import helper

from services.detect.models.emitting import FLOAT, UINT8, Emitter
from services.detect.models.registry import AnchorLayer
from services.detect.models.stride_head import emit_corner_faces

LAYERS = (AnchorLayer(stride_px=8, per_cell=2), AnchorLayer(stride_px=16, per_cell=1))
COUNTS = (2 * 8 * 12, 4 * 6)


def test_rows_are_in_strides_from_the_corners_of_their_cells() -> None:
    e = Emitter()
    emit_corner_faces(e, ["rows8", "rows16"], ["likely8", "likely16"], LAYERS)
    inputs = {"rows8": [COUNTS[0], 14], "rows16": [COUNTS[1], 14], "likely8": [COUNTS[0]], "likely16": [COUNTS[1]]}
    outputs = {"boxes": ["n", 4], "keypoints": ["n", 5, 2], "scores": ["n"]}
    image = helper.make_tensor_value_info("image", UINT8, [1, 64, 96, 3])
    floats = [
        helper.make_tensor_value_info(name, FLOAT, shape) for name, shape in (inputs | {"min_score": [1]}).items()
    ]
    results = [helper.make_tensor_value_info(name, FLOAT, shape) for name, shape in outputs.items()]
    session = onnxruntime.InferenceSession(
        e.model("head", [image, *floats], results), providers=["CPUExecutionProvider"]
    )
    feeds = {name: np.zeros(shape, np.float32) for name, shape in inputs.items()}
    feeds["rows8"][27] = feeds["rows16"][9] = (-1, -1, 1, 1, *range(10))
    feeds["likely8"][27], feeds["likely16"][9] = 0.7, 0.9
    picture = {"image": np.zeros((1, 64, 96, 3), np.uint8), "min_score": np.float32([0.5])}
    boxes, keypoints, scores = session.run(None, feeds | picture)
    np.testing.assert_allclose(scores, [0.9, 0.7])
    np.testing.assert_allclose(boxes, [[32, 0, 64, 32], [0, 0, 16, 16]])  # cell 3, 1 of 16; cell 1, 1 of 8
    np.testing.assert_allclose(keypoints[0], np.arange(10).reshape(5, 2) * 16 + (48, 16))
    np.testing.assert_allclose(keypoints[1], np.arange(10).reshape(5, 2) * 8 + (8, 8))
