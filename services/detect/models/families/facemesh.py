"""Face Mesh, MediaPipe's 468 landmarks with depth (Kartynnik et al., Real-time Facial Surface Geometry, 2019): 0..1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.detect.models.emitting import Emitter
from services.detect.models.ports import landmark_model, planar_floats
from services.detect.models.translating import emit_published

if TYPE_CHECKING:
    from services.detect.models.registry import Model

POINTS = 468


def compose(model: Model, content: bytes) -> bytes:
    """The prepared file of `model`, whose published .tflite is `content`."""
    e = Emitter()
    landmarks, presence = emit_published(e, content, planar_floats(e), 1 / 255)
    e.node("Reshape", landmarks, e.integers(-1, POINTS, 3), name="landmarks")
    e.node("Reshape", e.node("Sigmoid", presence), e.integers(-1), name="presence")
    return landmark_model(e, model.name, model.size_px, POINTS)
