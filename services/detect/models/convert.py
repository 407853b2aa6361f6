"""From a published .tflite to the .onnx that detect runs: pictures in, faces or landmarks out, in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnx import helper

from services.detect.models.detection_head import emit_faces
from services.detect.models.emitting import FLOAT, UINT8, Emitter
from services.detect.models.flatbuffer import read_graph
from services.detect.models.operators import Translation
from services.detect.models.registry import Family
from services.detect.models.widening import widen

if TYPE_CHECKING:
    from services.detect.models.registry import Model


def convert(model: Model, content: bytes) -> bytes:
    """The .onnx file of `model`, whose published file is `content`.

    A detector takes `image` uint8 [1, height, width, 3] (RGB) and `min_score` float32 [1], and gives `boxes` float32
    [faces, 4] (x0, y0, x1, y1), `keypoints` [faces, 6, 2] (x, y) and `scores` [faces], best first, in pixels of the
    image. The mesh takes `image` uint8 [faces, 192, 192, 3] (RGB) and gives `landmarks` float32 [faces, 468, 3] in
    pixels of the crop and `presence` [faces], 0..1.
    """
    return _detector(model, content) if model.family is Family.BLAZEFACE else _mesh(model, content)


def _detector(model: Model, content: bytes) -> bytes:
    e = Emitter()
    # Zero borders mean mid-grey here, so the offset cannot go into the first convolution as the factor does.
    centred = e.node("Sub", _planar_floats(e), e.floats(127.5))
    rows, logits = _body(e, content, centred, 1 / 127.5)
    emit_faces(e, rows, logits, "image", model.anchors)
    inputs = [
        helper.make_tensor_value_info("image", UINT8, [1, "height", "width", 3]),
        helper.make_tensor_value_info("min_score", FLOAT, [1]),
    ]
    shapes: dict[str, list[str | int]] = {"boxes": ["faces", 4], "keypoints": ["faces", 6, 2], "scores": ["faces"]}
    outputs = [helper.make_tensor_value_info(name, FLOAT, shape) for name, shape in shapes.items()]
    return e.model(model.name, inputs, outputs)


def _mesh(model: Model, content: bytes) -> bytes:
    e = Emitter()
    landmarks, presence = _body(e, content, _planar_floats(e), 1 / 255)
    e.node("Reshape", landmarks, e.integers(-1, 468, 3), name="landmarks")
    e.node("Reshape", e.node("Sigmoid", presence), e.integers(-1), name="presence")
    inputs = [helper.make_tensor_value_info("image", UINT8, ["faces", model.size_px, model.size_px, 3])]
    outputs = [
        helper.make_tensor_value_info("landmarks", FLOAT, ["faces", 468, 3]),
        helper.make_tensor_value_info("presence", FLOAT, ["faces"]),
    ]
    return e.model(model.name, inputs, outputs)


def _planar_floats(e: Emitter) -> str:
    return e.node("Transpose", e.node("Cast", "image", to=FLOAT), perm=(0, 3, 1, 2))


def _body(e: Emitter, content: bytes, picture: str, gain: float) -> list[str]:
    """Emit the published graph reading `picture` * `gain`; returns its outputs."""
    graph = widen(read_graph(content))
    translation = Translation(graph, e)
    translation.read(graph.inputs[0], picture, gain)
    for operator in graph.operators:
        translation.translate(operator)
    return [translation.values[tensor] for tensor in graph.outputs]
