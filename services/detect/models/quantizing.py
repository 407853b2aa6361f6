"""Makes a model of lower precision out of a prepared one: INT8 calibrated on samples, or FP16."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import onnx
from onnxruntime.quantization.calibrate import CalibrationDataReader
from onnxruntime.quantization.onnx_model import ONNXModel
from onnxruntime.quantization.quant_utils import QuantFormat, QuantType
from onnxruntime.quantization.quantize import quantize_static
from onnxruntime.transformers.float16 import convert_float_to_float16

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    Inputs = Mapping[str, NDArray[Any]]
    """What one run of a model takes, by the names of the graph's inputs."""

_QUANTISED = ["Add", "Conv", "MaxPool", "Pad", "Relu", "Resize"]
"""Operators of the body; what stands between two of them must be quantised too, or it costs more than it saves."""
_SHAPES_INFERRED = {"onnx.quant.pre_process": "onnxruntime.quant"}
"""Mark by which ONNX Runtime knows that a model was prepared for quantisation; without it, it logs a warning."""


def to_int8(content: bytes, samples: Iterable[Inputs]) -> bytes:
    """The .onnx file `content` with 8-bit weights, by channel, and activations, by tensor, between QDQ nodes.

    samples: typical inputs, 1 or more; their smallest and largest activations become the ends of the ranges. The last
    convolutions and all that follows stay in FP32: a landmark in 8 bits would have steps of 0.75 pixels.
    """
    model = onnx.shape_inference.infer_shapes(onnx.load_from_string(content))
    onnx.helper.set_model_props(model, _SHAPES_INFERRED)
    with TemporaryDirectory(prefix="visavis-quantise-") as folder:
        target = Path(folder) / "int8.onnx"
        quantize_static(
            model,
            target,
            _Samples(samples),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=_QUANTISED,
            nodes_to_quantize=_body(model),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        quantised = onnx.load(target)
    return _finished(quantised)


def to_fp16(content: bytes) -> bytes:
    """The .onnx file `content` with weights and activations of its body in half precision; inputs and outputs stay."""
    model = onnx.load_from_string(content)
    body = set(_body(model))
    others = [node.name for node in model.graph.node if node.name not in body]
    convert: Any = convert_float_to_float16  # has no types
    return _finished(convert(model, keep_io_types=True, op_block_list=[], node_block_list=others))


class _Samples(CalibrationDataReader):
    """Hands out one sample after the other, as the calibration asks for them."""

    def __init__(self, samples: Iterable[Inputs]) -> None:
        self._left = iter(samples)

    def get_next(self) -> dict[str, NDArray[Any]] | None:  # type: ignore[override]  # theirs does not say None
        """The next sample; None when they are over."""
        sample = next(self._left, None)
        return None if sample is None else dict(sample)


def _body(model: onnx.ModelProto) -> list[str]:
    """Names of the nodes from which a convolution can still be reached."""
    makers = {output: node for node in model.graph.node for output in node.output}
    waiting = [name for node in model.graph.node if node.op_type == "Conv" for name in node.input]
    body: dict[str, None] = {}
    while waiting:
        node = makers.get(waiting.pop())
        if node is not None and node.name not in body:
            body[node.name] = None
            waiting.extend(node.input)
    return list(body)


def _finished(model: onnx.ModelProto) -> bytes:
    ordered: Any = ONNXModel(model)  # has types only in part
    ordered.topological_sort()
    del model.metadata_props[:]
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))
