"""What turns a single-shot detector's raw rows into faces, as ONNX nodes: anchors, scores, suppression, averaging."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.detect.models.emitting import FLOAT, INT64

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.detect.models.emitting import Emitter
    from services.detect.models.registry import AnchorLayer

CANDIDATES = 64
"""Anchors that are looked at, the best first: a face lights up some ten of them."""
MOST_FACES = 16
"""Faces that one call gives at most."""
OVERLAP = 0.3
"""Boxes with a larger intersection over union are one face (min_suppression_threshold in MediaPipe's graphs)."""


def emit_faces(e: Emitter, rows: str, logits: str, image: str, layers: Sequence[AnchorLayer]) -> None:
    """From raw rows [1, anchors, 16] and logits [1, anchors, 1] to the outputs `boxes`, `keypoints`, `scores`.

    A raw row is x, y of the centre, width, height and six points x, y, in pixels relative to the anchor
    (TensorsToDetectionsCalculator with reverse_output_order). `image` is the NHWC input, for its size; `min_score` [1]
    is a graph input.
    """
    likely = e.node("Sigmoid", e.node("Reshape", logits, e.integers(-1)))
    scores, chosen = e.nodes("TopK", 2, likely, e.integers(CANDIDATES))
    raw = e.node("Gather", e.node("Squeeze", rows, e.integers(0)), chosen, axis=0)
    decoded = _decoded(e, raw, _anchor_centres(e, chosen, image, layers))
    boxes = e.node("Slice", decoded, e.integers(0), e.integers(4), e.integers(1))
    kept = _kept(e, boxes, scores)
    averaged = e.node("MatMul", _shares(e, boxes, scores, kept), decoded)
    e.node("Slice", averaged, e.integers(0), e.integers(4), e.integers(1), name="boxes")
    points = e.node("Slice", averaged, e.integers(4), e.integers(16), e.integers(1))
    e.node("Reshape", points, e.integers(-1, 6, 2), name="keypoints")
    e.node("Gather", scores, kept, axis=0, name="scores")


def _anchor_centres(e: Emitter, chosen: str, image: str, layers: Sequence[AnchorLayer]) -> str:
    """Centres x, y [candidates, 2] in pixels of the anchors `chosen` (numbers from 0 through all layers)."""
    height = e.node("Slice", e.node("Shape", image), e.integers(1), e.integers(2))
    width = e.node("Slice", e.node("Shape", image), e.integers(2), e.integers(3))
    centres, first = "", e.integers(0)
    for layer in layers:
        columns = e.node("Div", width, e.integers(layer.stride_px))
        number = e.node("Div", e.node("Sub", chosen, first), e.integers(layer.per_cell))
        row = e.node("Div", number, columns)
        column = e.node("Sub", number, e.node("Mul", row, columns))
        cell = e.node("Cast", e.node("Concat", *(_as_column(e, n) for n in (column, row)), axis=1), to=FLOAT)
        here = e.node("Mul", e.node("Add", cell, e.floats(0.5)), e.floats(layer.stride_px))
        belongs = _as_column(e, e.node("Not", e.node("Less", chosen, first)))
        centres = e.node("Where", belongs, here, centres) if centres else here
        cells = e.node("Mul", columns, e.node("Div", height, e.integers(layer.stride_px)))
        first = e.node("Add", first, e.node("Mul", cells, e.integers(layer.per_cell)))
    return centres


def _as_column(e: Emitter, vector: str) -> str:
    return e.node("Unsqueeze", vector, e.integers(1))


def _decoded(e: Emitter, raw: str, centres: str) -> str:
    """Rows [candidates, 16]: x0, y0, x1, y1 and six points x, y in pixels of the image."""
    centre, size, points = e.nodes("Split", 3, raw, e.integers(2, 2, 12), axis=1)
    middle = e.node("Add", centre, centres)
    half = e.node("Mul", size, e.floats(0.5))
    placed = e.node("Add", points, e.node("Tile", centres, e.integers(1, 6)))
    return e.node("Concat", e.node("Sub", middle, half), e.node("Add", middle, half), placed, axis=1)


def _kept(e: Emitter, boxes: str, scores: str) -> str:
    """Numbers [faces] of the candidates that no better one overlaps."""
    batch = e.node("Unsqueeze", boxes, e.integers(0))
    of_one_class = e.node("Unsqueeze", scores, e.integers(0, 1))
    limits = (e.integers(MOST_FACES), e.floats(OVERLAP), "min_score")
    selected = e.node("NonMaxSuppression", batch, of_one_class, *limits)
    return e.node("Gather", selected, e.index(2), axis=1)


def _shares(e: Emitter, boxes: str, scores: str, kept: str) -> str:
    """What each candidate gives to each face [faces, candidates]; a face is the mean of all it suppresses, by score.

    This is NonMaxSuppressionCalculator's WEIGHTED algorithm: it steadies boxes from frame to frame.
    """
    overlapping = e.node("Greater", _overlaps(e, e.node("Gather", boxes, kept, axis=0), boxes), e.floats(OVERLAP))
    good = e.node("Not", e.node("Less", scores, "min_score"))
    claimed = e.node("Cast", e.node("And", overlapping, good), to=INT64)
    claims_so_far = e.node("CumSum", claimed, e.index(0))
    first = e.node("Equal", e.node("Mul", claimed, claims_so_far), e.integers(1))  # a better face claimed it before
    weights = e.node("Mul", e.node("Cast", first, to=FLOAT), scores)
    return e.node("Div", weights, e.node("ReduceSum", weights, e.integers(1)))


def _overlaps(e: Emitter, ours: str, theirs: str) -> str:
    """Intersection over union [n, m] of boxes [n, 4] and [m, 4]."""
    a0, a1 = e.nodes("Split", 2, e.node("Unsqueeze", ours, e.integers(1)), e.integers(2, 2), axis=2)
    b0, b1 = e.nodes("Split", 2, e.node("Unsqueeze", theirs, e.integers(0)), e.integers(2, 2), axis=2)
    common = _area(e, e.node("Max", a0, b0), e.node("Min", a1, b1))
    union = e.node("Sub", e.node("Add", _area(e, a0, a1), _area(e, b0, b1)), common)
    return e.node("Div", common, union)


def _area(e: Emitter, low: str, high: str) -> str:
    sides = e.node("Max", e.node("Sub", high, low), e.floats(0.0))
    return e.node("ReduceProd", sides, e.integers(2), keepdims=0)
