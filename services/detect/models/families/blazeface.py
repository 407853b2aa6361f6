"""BlazeFace, MediaPipe's single-shot detector (Bazarevsky et al., BlazeFace, 2019): values -1..1, six key points."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.detect.models.detection_head import emit_faces
from services.detect.models.emitting import Emitter
from services.detect.models.ports import detector_model, planar_floats
from services.detect.models.translating import emit_published

if TYPE_CHECKING:
    from services.detect.models.registry import Model

POINTS = 6


def compose(model: Model, content: bytes) -> bytes:
    """The prepared file of `model`, whose published .tflite is `content`."""
    e = Emitter()
    # Zero borders mean mid-grey here, so the offset cannot go into the first convolution as the factor does.
    centred = e.node("Sub", planar_floats(e), e.floats(127.5))
    rows, logits = emit_published(e, content, centred, 1 / 127.5)
    emit_faces(e, rows, logits, "image", model.anchors)
    return detector_model(e, model.name, POINTS)
