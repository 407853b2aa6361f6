"""Makes one face of the many candidates that show it, as ONNX nodes: suppression, and averaging by score."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.detect.models.emitting import FLOAT, INT64

if TYPE_CHECKING:
    from services.detect.models.emitting import Emitter

CANDIDATES = 256
"""Anchors that are looked at at most, the best first: a face lights up some ten of them."""
MOST_FACES = 64
"""Faces that one call gives at most."""
OVERLAP = 0.3
"""Boxes with a larger intersection over union are one face (min_suppression_threshold in MediaPipe's graphs; OpenCV's
FaceDetectorYN takes the same)."""


def emit_likeliest(e: Emitter, likely: str) -> list[str]:
    """Scores and numbers of the best candidates, best first, of scores [anchors]; a small picture has fewer anchors."""
    return e.nodes("TopK", 2, likely, e.node("Min", e.node("Shape", likely), e.integers(CANDIDATES)))


def emit_suppressed(e: Emitter, decoded: str, scores: str, points: int) -> None:
    """From candidates, best first, to the outputs `boxes` [faces, 4], `keypoints` [faces, points, 2], `scores` [faces].

    decoded: [candidates, 4 + 2 * points]: x0, y0, x1, y1 and the points x, y in pixels of the image; scores:
    [candidates]; `min_score` [1] is a graph input.
    """
    boxes = e.node("Slice", decoded, e.integers(0), e.integers(4), e.integers(1))
    kept = _kept(e, boxes, scores)
    averaged = e.node("MatMul", _shares(e, boxes, scores, kept), decoded)
    e.node("Slice", averaged, e.integers(0), e.integers(4), e.integers(1), name="boxes")
    rest = e.node("Slice", averaged, e.integers(4), e.integers(4 + 2 * points), e.integers(1))
    e.node("Reshape", rest, e.integers(-1, points, 2), name="keypoints")
    e.node("Gather", scores, kept, axis=0, name="scores")


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
