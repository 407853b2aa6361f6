"""Where the anchors of a single-shot detector lie, as ONNX nodes: for a picture of any size that the strides divide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.detect.models.emitting import FLOAT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.detect.models.emitting import Emitter
    from services.detect.models.registry import AnchorLayer


def emit_centres(e: Emitter, chosen: str, image: str, layers: Sequence[AnchorLayer], offset: float) -> str:
    """Centres x, y [candidates, 2] in pixels of the anchors `chosen` (numbers from 0 through all layers).

    image: the NHWC input, for its size; offset: where in its cell an anchor lies, in parts of the cell: 0.5 is the
    middle, 0 the upper left corner.
    """
    height = e.node("Slice", e.node("Shape", image), e.integers(1), e.integers(2))
    width = e.node("Slice", e.node("Shape", image), e.integers(2), e.integers(3))
    centres, first = "", e.integers(0)
    for layer in layers:
        columns = e.node("Div", width, e.integers(layer.stride_px))
        number = e.node("Div", e.node("Sub", chosen, first), e.integers(layer.per_cell))
        row = e.node("Div", number, columns)
        column = e.node("Sub", number, e.node("Mul", row, columns))
        cell = e.node("Cast", e.node("Concat", *(_as_column(e, n) for n in (column, row)), axis=1), to=FLOAT)
        here = e.node("Mul", e.node("Add", cell, e.floats(offset)), e.floats(layer.stride_px))
        belongs = _as_column(e, e.node("Not", e.node("Less", chosen, first)))
        centres = e.node("Where", belongs, here, centres) if centres else here
        cells = e.node("Mul", columns, e.node("Div", height, e.integers(layer.stride_px)))
        first = e.node("Add", first, e.node("Mul", cells, e.integers(layer.per_cell)))
    return centres


def _as_column(e: Emitter, vector: str) -> str:
    return e.node("Unsqueeze", vector, e.integers(1))
