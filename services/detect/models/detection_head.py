"""What turns BlazeFace's raw rows into faces, as ONNX nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.detect.models.anchors import emit_centres
from services.detect.models.suppression import emit_likeliest, emit_suppressed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.detect.models.emitting import Emitter
    from services.detect.models.registry import AnchorLayer


def emit_faces(e: Emitter, rows: str, logits: str, image: str, layers: Sequence[AnchorLayer]) -> None:
    """From raw rows [1, anchors, 16] and logits [1, anchors, 1] to the outputs `boxes`, `keypoints`, `scores`.

    A raw row is x, y of the centre, width, height and six points x, y, in pixels relative to the anchor
    (TensorsToDetectionsCalculator with reverse_output_order). `image` is the NHWC input, for its size; `min_score` [1]
    is a graph input.
    """
    likely = e.node("Sigmoid", e.node("Reshape", logits, e.integers(-1)))
    scores, chosen = emit_likeliest(e, likely)
    raw = e.node("Gather", e.node("Squeeze", rows, e.integers(0)), chosen, axis=0)
    decoded = _decoded(e, raw, emit_centres(e, chosen, image, layers, offset=0.5))
    emit_suppressed(e, decoded, scores, points=6)


def _decoded(e: Emitter, raw: str, centres: str) -> str:
    """Rows [candidates, 16]: x0, y0, x1, y1 and six points x, y in pixels of the image."""
    centre, size, points = e.nodes("Split", 3, raw, e.integers(2, 2, 12), axis=1)
    middle = e.node("Add", centre, centres)
    half = e.node("Mul", size, e.floats(0.5))
    placed = e.node("Add", points, e.node("Tile", centres, e.integers(1, 6)))
    return e.node("Concat", e.node("Sub", middle, half), e.node("Add", middle, half), placed, axis=1)
