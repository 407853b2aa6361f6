"""Reads a published .onnx file and puts its graph into one that is being built."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # it ships no types
from onnx import compose, inliner, shape_inference, version_converter

from services.detect.models.checking import check_self_contained
from services.detect.models.emitting import OPSET
from shared.model.errors import Misconfigured

if TYPE_CHECKING:
    from services.detect.models.emitting import Emitter

_REFUSALS = (onnx.checker.ValidationError, shape_inference.InferenceError, version_converter.ConvertError, RuntimeError)


def read_published(content: bytes, name: str) -> onnx.ModelProto:
    """The model `name` (for the sentence), checked by ONNX itself and raised to the operator set that is written here.

    Raises Misconfigured if it is damaged, is not self-contained, needs foreign operators or cannot be raised.
    """
    check_self_contained(content, name)
    try:
        model = onnx.load_from_string(content)
        onnx.checker.check_model(model, full_check=True)
        model = inliner.inline_local_functions(model)
        return version_converter.convert_version(model, OPSET)
    except (DecodeError, *_REFUSALS) as error:
        raise Misconfigured(f"The model {name} is damaged, or too old or new for this ONNX: {_said(error)}") from error


def input_shape(model: onnx.ModelProto) -> tuple[int, ...]:
    """Of its one input, four numbers; 0 where any fits.

    Raises Misconfigured if it has several inputs, or takes other than pictures of float32 numbers.
    """
    weights = {weight.name for weight in model.graph.initializer}
    inputs = [one for one in model.graph.input if one.name not in weights]
    if len(inputs) != 1 or inputs[0].type.tensor_type.elem_type != onnx.TensorProto.FLOAT:
        raise Misconfigured("A model takes one picture as float32 numbers; this one takes other than that.")
    dims = _dims(inputs[0])
    if len(dims) != 4:
        raise Misconfigured(f"A model takes pictures, which have four axes; this one takes {len(dims)}.")
    return dims


def output_shapes(model: onnx.ModelProto, picture: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """Of every output by its name, for a picture of this shape; 0 where it cannot be told without running it.

    Raises Misconfigured if the model cannot take such a picture, or takes none (`input_shape`).
    """
    input_shape(model)
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.value_info[:]
    for output in copy.graph.output:
        output.type.tensor_type.ClearField("shape")
    dims = copy.graph.input[_input_number(copy)].type.tensor_type.shape
    del dims.dim[:]
    for size in picture:
        dims.dim.add().dim_value = size
    try:
        inferred = shape_inference.infer_shapes(copy, strict_mode=True, data_prop=True)
    except _REFUSALS as error:
        sentence = f"The model cannot take {picture[0]} pictures of {picture[3]} x {picture[2]} pixels: {_said(error)}"
        raise Misconfigured(sentence) from error
    return {output.name: _dims(output) for output in inferred.graph.output}


def graft(e: Emitter, model: onnx.ModelProto, picture: str) -> dict[str, str]:
    """Emit the whole graph reading `picture`; the values that stand for its outputs, by their names."""
    source = model.graph.input[_input_number(model)].name
    outputs = [output.name for output in model.graph.output]
    graph = compose.add_prefix_graph(model.graph, _PREFIX)
    e.node("Identity", picture, name=_PREFIX + source)
    e.take(graph.node, graph.initializer)
    return {name: _PREFIX + name for name in outputs}


_PREFIX = "published/"


def _input_number(model: onnx.ModelProto) -> int:
    weights = {weight.name for weight in model.graph.initializer}
    return next(number for number, one in enumerate(model.graph.input) if one.name not in weights)


def _dims(value: onnx.ValueInfoProto) -> tuple[int, ...]:
    return tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim)


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
