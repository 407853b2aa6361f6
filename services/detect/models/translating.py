"""Puts a published TensorFlow Lite graph into an ONNX graph that is being built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.detect.models.flatbuffer import read_graph
from services.detect.models.operators import Translation
from services.detect.models.postponing import postpone
from services.detect.models.widening import widen

if TYPE_CHECKING:
    from services.detect.models.emitting import Emitter


def emit_published(e: Emitter, content: bytes, picture: str, gain: float) -> list[str]:
    """Emit the published .tflite `content` reading `picture` * `gain`; returns its outputs."""
    graph = widen(postpone(read_graph(content)))
    translation = Translation(graph, e)
    translation.read(graph.inputs[0], picture, gain)
    for operator in graph.operators:
        translation.translate(operator)
    return [translation.values[tensor] for tensor in graph.outputs]
