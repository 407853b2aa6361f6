"""What turns rows of corners and points, given stride by stride relative to an anchor, into faces, as ONNX nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.detect.models.anchors import emit_centres
from services.detect.models.suppression import emit_likeliest, emit_suppressed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.detect.models.emitting import Emitter
    from services.detect.models.registry import AnchorLayer

POINTS = 5


def emit_corner_faces(e: Emitter, rows: Sequence[str], scores: Sequence[str], layers: Sequence[AnchorLayer]) -> None:
    """From one layer's rows [anchors, 14] and scores [anchors] each to the outputs `boxes`, `keypoints`, `scores`.

    A row is x0, y0, x1, y1 and five points x, y, in strides from the upper left corner of the anchor's cell. `image` is
    the NHWC input, for its size; `min_score` [1] is a graph input.
    """
    scaled = (e.node("Mul", row, e.floats(layer.stride_px)) for row, layer in zip(rows, layers, strict=True))
    likely, chosen = emit_likeliest(e, e.node("Concat", *scores, axis=0))
    best = e.node("Gather", e.node("Concat", *scaled, axis=0), chosen, axis=0)
    corners = emit_centres(e, chosen, "image", layers, offset=0.0)
    decoded = e.node("Add", best, e.node("Tile", corners, e.integers(1, 2 + POINTS)))
    emit_suppressed(e, decoded, likely, POINTS)
