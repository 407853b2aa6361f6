"""Selfie segmentation, MediaPipe's masks of people: values 0..1, the whole picture stretched to a square."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.detect.models.emitting import UINT8, Emitter
from services.detect.models.ports import planar_floats, segmenter_model
from services.detect.models.translating import emit_published

if TYPE_CHECKING:
    from services.detect.models.registry import Model


def compose(model: Model, content: bytes) -> bytes:
    """The prepared file of `model`, whose published .tflite is `content`."""
    e = Emitter()
    [people] = emit_published(e, content, planar_floats(e), 1 / 255)
    steps = e.node("Add", e.node("Mul", people, e.scalar(255.0)), e.scalar(0.5))  # a cast rounds down
    e.node("Squeeze", e.node("Cast", steps, to=UINT8), e.integers(1), name="people")
    return segmenter_model(e, model.name, model.size_px)
