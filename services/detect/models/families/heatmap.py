"""Landmark models that draw a heat map of each point, as HRNet does (Sun et al., 2019).

What goes in is that of the authors' own training (HRNet-Facial-Landmark-Detection, lib/datasets/face300w.py): RGB in
0..1, less ImageNet's mean, over its deviation. A map has one bump of height 1 about the point; a cell's middle stands
for the pixels that it covers (decode_preds in lib/core/evaluation.py adds half a cell for it).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.detect.models.emitting import Emitter
from services.detect.models.grafting import graft, input_shape, output_shapes, read_published
from services.detect.models.ports import Composed, flat_landmarks, landmark_model, planar_floats
from shared.model.errors import Misconfigured

if TYPE_CHECKING:
    from numpy.typing import NDArray

LAYOUTS = (68, 5)
MEAN, DEVIATION = np.array((0.485, 0.456, 0.406)), np.array((0.229, 0.224, 0.225))
"""Of ImageNet's red, green and blue in 0..1."""
SHARPENING = 4.0
"""Power of the heat that weighs a cell: its bump becomes half as wide, and the haze around it, a twentieth of the
bump's height over the whole map, moves the mean by less than a hundredth of a cell instead of by several cells."""


def compose(name: str, content: bytes) -> Composed:
    """The prepared file of the published .onnx `content`.

    Presence is the mean height of the maps' peaks: where there is no face they stay low.
    Raises Misconfigured if it draws no maps of 68 or 5 points, or takes crops one by one only.
    """
    published = read_published(content, name)
    size_px = input_shape(published)[-1]
    if not size_px:
        raise Misconfigured(f"The model {name} does not say the size of its crops; export it with a fixed one.")
    port, points, rows, columns = _maps(output_shapes(published, (2, 3, size_px, size_px)), name)
    e = Emitter()
    planes = planar_floats(e)
    centred = e.node("Sub", planes, _planes(e, 255 * MEAN))
    heat = graft(e, published, e.node("Mul", centred, _planes(e, 1 / (255 * DEVIATION))))[port]
    warm = e.node("Reshape", e.node("Relu", heat), e.integers(-1, points, rows * columns))
    peaks = e.node("ReduceMax", warm, e.integers(2), keepdims=1)
    _soft_argmax(e, e.node("Div", warm, e.node("Max", peaks, e.scalar(1e-6))), (rows, columns), size_px)
    height = e.node("ReduceMean", peaks, e.integers(1, 2), keepdims=0)
    e.node("Clip", height, e.scalar(0.0), e.scalar(1.0), name="presence")
    return Composed(landmark_model(e, name, size_px, points), points, size_px)


def _soft_argmax(e: Emitter, shares: str, grid: tuple[int, int], size_px: int) -> None:
    """Write `landmarks` from heat [n, points, cells], 1 at the peak."""
    weights = e.node("Pow", shares, e.scalar(SHARPENING))
    total = e.node("Max", e.node("ReduceSum", weights, e.integers(2), keepdims=1), e.scalar(1e-6))
    rows, columns = grid
    row, column = np.mgrid[0:rows, 0:columns] + 0.5
    middles = np.stack([column.ravel() * size_px / columns, row.ravel() * size_px / rows], axis=1)
    flat_landmarks(e, e.node("Div", e.node("MatMul", weights, e.constant(middles.astype(np.float32))), total))


def _planes(e: Emitter, of_channels: NDArray[np.float64]) -> str:
    return e.constant(of_channels.astype(np.float32).reshape(1, 3, 1, 1))


def _maps(shapes: dict[str, tuple[int, ...]], name: str) -> tuple[str, int, int, int]:
    """The last output that is maps of a known layout for two crops; its points, rows and columns."""
    for port, shape in reversed(shapes.items()):
        if len(shape) == 4 and shape[0] == 2 and shape[1] in LAYOUTS and all(shape):
            return port, *shape[1:]
    raise Misconfigured(
        f"The model {name} gives {tuple(shapes.values())} for two crops: a heat-map model gives one map for each of "
        f"{' or '.join(map(str, LAYOUTS))} points."
    )
