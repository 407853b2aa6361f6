"""Where anchors lie, on pictures of several shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import helper

from services.detect.models.anchors import emit_centres
from services.detect.models.emitting import FLOAT, INT64, UINT8, Emitter
from services.detect.models.registry import AnchorLayer

LAYERS = (AnchorLayer(stride_px=8, per_cell=2), AnchorLayer(stride_px=16, per_cell=1))


def centres(offset: float, height: int, width: int) -> Any:
    """Of all anchors of a picture."""
    e = Emitter()
    e.node("Identity", emit_centres(e, "chosen", "image", LAYERS, offset), name="centres")
    chosen = helper.make_tensor_value_info("chosen", INT64, ["n"])
    image = helper.make_tensor_value_info("image", UINT8, [1, "height", "width", 3])
    content = e.model("anchors", [chosen, image], [helper.make_tensor_value_info("centres", FLOAT, ["n", 2])])
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    count = 2 * (height // 8) * (width // 8) + (height // 16) * (width // 16)
    feeds = {"chosen": np.arange(count), "image": np.zeros((1, height, width, 3), np.uint8)}
    return session.run(None, feeds)[0]


@pytest.mark.parametrize(("height", "width"), [(32, 64), (64, 32), (16, 16)])
@pytest.mark.parametrize("offset", [0.0, 0.5])
def test_they_lie_row_by_row_layer_by_layer(offset: float, height: int, width: int) -> None:
    expected = [
        ((column + offset) * layer.stride_px, (row + offset) * layer.stride_px)
        for layer in LAYERS
        for row in range(height // layer.stride_px)
        for column in range(width // layer.stride_px)
        for _ in range(layer.per_cell)
    ]
    np.testing.assert_allclose(centres(offset, height, width), expected)
