"""Writes each TensorFlow Lite operator that occurs in the models as ONNX nodes, activations in NCHW."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tflite

from shared.model.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from services.detect.models.emitting import Emitter
    from services.detect.models.flatbuffer import Graph, Operator

_NCHW_OF_NHWC = (0, 3, 1, 2)
_NHWC_OF_NCHW = (0, 2, 3, 1)


class Translation:
    """What is known while one graph is translated: values by tensor number, folded constants, pads not yet drawn."""

    def __init__(self, graph: Graph, emitter: Emitter) -> None:
        self.graph = graph
        self.emitter = emitter
        self.folded: dict[int, NDArray[Any]] = dict(graph.constants)
        self.values: dict[int, str] = {}
        self.spatial_pads: dict[int, tuple[int, int, int, int]] = {}
        """Zero borders (top, left, bottom, right) that the convolution reading this tensor draws itself."""
        self.gains: dict[int, float] = {}
        """Factors that the convolution reading this tensor takes into its kernel."""

    def read(self, tensor: int, value: str, gain: float) -> None:
        """`value` * `gain` is what the graph reads as `tensor`; only convolutions and pads may read it."""
        self.values[tensor], self.gains[tensor] = value, gain

    def shape(self, tensor: int) -> tuple[int, ...]:
        """NHWC."""
        return self.graph.shapes[tensor]

    def weights(self, tensor: int) -> NDArray[np.float32]:
        """A constant as float32."""
        return np.asarray(self.folded[tensor], np.float32)

    def translate(self, operator: Operator) -> None:
        """Emit one operator, or fold it. Raises Misconfigured for a kind that is not known here."""
        if operator.kind not in _TRANSLATORS:
            raise Misconfigured(f"The model has an operator {operator.kind}, which the converter does not know.")
        _TRANSLATORS[operator.kind](self, operator)


def _fold_as_is(t: Translation, op: Operator) -> None:
    t.folded[op.outputs[0]] = t.folded[op.inputs[0]]


def _fold_as_float32(t: Translation, op: Operator) -> None:
    t.folded[op.outputs[0]] = t.folded[op.inputs[0]].astype(np.float32)


def _convolution(t: Translation, op: Operator) -> None:
    kernel = t.weights(op.inputs[1]).transpose(0, 3, 1, 2)  # [out, h, w, in]
    _emit_convolution(t, op, kernel, group=1)


def _depthwise(t: Translation, op: Operator) -> None:
    kernel = t.weights(op.inputs[1]).transpose(3, 0, 1, 2)  # [1, h, w, in * multiplier]
    _emit_convolution(t, op, kernel, group=t.shape(op.inputs[0])[3])


def _emit_convolution(t: Translation, op: Operator, kernel: NDArray[np.float32], group: int) -> None:
    options, emit = op.options, t.emitter
    strides = (options["StrideH"], options["StrideW"])
    if (options["DilationHFactor"], options["DilationWFactor"]) != (1, 1):
        raise Misconfigured("The model has a dilated convolution, which the converter does not know.")
    pads = t.spatial_pads.get(op.inputs[0], (0, 0, 0, 0))
    if options["Padding"] == tflite.Padding.SAME:
        same = _same_pads(t.shape(op.inputs[0])[1:3], kernel.shape[2:], strides)
        pads = tuple(np.add(pads, same).tolist())
    kernel = kernel * np.float32(t.gains.get(op.inputs[0], 1.0))
    bias = [emit.constant(t.weights(op.inputs[2]))] if len(op.inputs) > 2 and op.inputs[2] >= 0 else []
    inputs = [t.values[op.inputs[0]], emit.constant(kernel), *bias]
    output = emit.node("Conv", *inputs, strides=strides, pads=pads, group=group, kernel_shape=kernel.shape[2:])
    t.values[op.outputs[0]] = _activated(t, op, output)


def _same_pads(size: tuple[int, ...], kernel: tuple[int, ...], strides: tuple[int, ...]) -> tuple[int, int, int, int]:
    """TensorFlow's SAME: as many zeros as the last window lacks, the odd one at the end."""
    lacking = [max((-(-n // s) - 1) * s + k - n, 0) for n, k, s in zip(size, kernel, strides, strict=True)]
    top, left = (n // 2 for n in lacking)
    return top, left, lacking[0] - top, lacking[1] - left


def _activated(t: Translation, op: Operator, value: str) -> str:
    kind = op.options.get("FusedActivationFunction", tflite.ActivationFunctionType.NONE)
    if kind == tflite.ActivationFunctionType.NONE:
        return value
    if kind == tflite.ActivationFunctionType.RELU:
        return t.emitter.node("Relu", value)
    raise Misconfigured(f"The model has a fused activation {kind}, which the converter does not know.")


def _add(t: Translation, op: Operator) -> None:
    t.values[op.outputs[0]] = _activated(t, op, t.emitter.node("Add", *(t.values[n] for n in op.inputs)))


def _relu(t: Translation, op: Operator) -> None:
    t.values[op.outputs[0]] = t.emitter.node("Relu", t.values[op.inputs[0]])


def _prelu(t: Translation, op: Operator) -> None:
    """Written as slope * x + relu((1 - slope) * x), both products as 1x1 convolutions of single channels.

    The CPU provider of onnxruntime keeps its blocked layout through convolutions, draws the relu and the sum into
    them, and leaves it for a PRelu node: the face mesh takes 1.0 ms so, 3.8 ms with PRelu, 1.7 ms with relu(x) -
    slope * relu(-x) (onnxruntime 1.32, AVX-512, one thread). A slope above 1 needs the relu before its product.
    """
    value, slope = t.values[op.inputs[0]], t.weights(op.inputs[1]).reshape(-1)
    if (slope <= 1).all():
        bent = t.emitter.node("Relu", _scaled(t, value, 1 - slope))
    else:
        bent = _scaled(t, t.emitter.node("Relu", value), 1 - slope)
    t.values[op.outputs[0]] = t.emitter.node("Add", _scaled(t, value, slope), bent)


def _scaled(t: Translation, value: str, factors: NDArray[np.float32]) -> str:
    kernel = t.emitter.constant(factors.reshape(-1, 1, 1, 1))
    return t.emitter.node("Conv", value, kernel, group=factors.size, kernel_shape=(1, 1))


def _hard_swish(t: Translation, op: Operator) -> None:
    t.values[op.outputs[0]] = t.emitter.node("HardSwish", t.values[op.inputs[0]])


def _logistic(t: Translation, op: Operator) -> None:
    t.values[op.outputs[0]] = t.emitter.node("Sigmoid", t.values[op.inputs[0]])


def _mul(t: Translation, op: Operator) -> None:
    factors = [_spread(t, n, op.outputs[0]) for n in op.inputs]
    t.values[op.outputs[0]] = _activated(t, op, t.emitter.node("Mul", *factors))


def _spread(t: Translation, tensor: int, target: int) -> str:
    """`tensor`; if it has one number a channel, as a picture of the size of `target`.

    A product of pictures of one size stays in the blocked layout of onnxruntime's CPU provider, one with a number a
    channel leaves it: the selfie segmentation takes 2.3 ms so instead of 2.6.
    """
    if t.shape(tensor)[1:3] != (1, 1) or t.shape(target)[1:3] == (1, 1):
        return t.values[tensor]
    scales = t.emitter.floats(1, 1, *t.shape(target)[1:3])
    asked = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return t.emitter.node("Resize", t.values[tensor], "", scales, **asked)


def _pad(t: Translation, op: Operator) -> None:
    before, after = t.folded[op.inputs[1]].reshape(4, 2).T.tolist()
    source, output = op.inputs[0], op.outputs[0]
    if (before[0], after[0], before[3], after[3]) == (0, 0, 0, 0):  # rows and columns: the convolution does it
        t.values[output], t.gains[output] = t.values[source], t.gains.get(source, 1.0)
        t.spatial_pads[output] = (before[1], before[2], after[1], after[2])
        return
    amounts = [side[axis] for side in (before, after) for axis in _NCHW_OF_NHWC]
    t.values[output] = t.emitter.node("Pad", t.values[source], t.emitter.integers(*amounts))


def _max_pool(t: Translation, op: Operator) -> None:
    options = op.options
    kernel, strides = (
        (options["FilterHeight"], options["FilterWidth"]),
        (options["StrideH"], options["StrideW"]),
    )
    same = options["Padding"] == tflite.Padding.SAME
    pads = _same_pads(t.shape(op.inputs[0])[1:3], kernel, strides) if same else (0, 0, 0, 0)
    pooled = t.emitter.node("MaxPool", t.values[op.inputs[0]], kernel_shape=kernel, strides=strides, pads=pads)
    t.values[op.outputs[0]] = _activated(t, op, pooled)


def _average_pool(t: Translation, op: Operator) -> None:
    whole = (op.options["FilterHeight"], op.options["FilterWidth"])
    if t.shape(op.inputs[0])[1:3] != whole or t.shape(op.outputs[0])[1:3] != (1, 1):
        raise Misconfigured("The model averages over windows, which the converter does not know.")
    t.values[op.outputs[0]] = _activated(t, op, t.emitter.node("GlobalAveragePool", t.values[op.inputs[0]]))


def _mean(t: Translation, op: Operator) -> None:
    if sorted(t.folded[op.inputs[1]].tolist()) != [1, 2] or not op.options["KeepDims"]:
        raise Misconfigured(
            "The model averages over other axes than rows and columns, which the converter does not know."
        )
    t.values[op.outputs[0]] = t.emitter.node("GlobalAveragePool", t.values[op.inputs[0]])


def _transposed_convolution(t: Translation, op: Operator) -> None:
    """MediaPipe's operator, whose windows lie side by side here: a convolution to as many channels as a window has
    pixels, which are then laid out."""
    kernel = t.weights(op.inputs[1])  # [out, h, w, in]
    _, height, width, channels = kernel.shape
    if not height == width == op.options["StrideH"] == op.options["StrideW"]:
        raise Misconfigured(
            "The model has a transposed convolution whose windows overlap, which the converter does not know."
        )
    pixels = kernel.transpose(1, 2, 0, 3).reshape(-1, channels, 1, 1)  # [h * w * out, in, 1, 1]
    bias = np.tile(t.weights(op.inputs[2]), height * width)
    weights = (t.emitter.constant(pixels), t.emitter.constant(bias))
    windows = t.emitter.node("Conv", t.values[op.inputs[0]], *weights, kernel_shape=(1, 1))
    t.values[op.outputs[0]] = t.emitter.node("DepthToSpace", windows, blocksize=height, mode="DCR")


def _resize(t: Translation, op: Operator) -> None:
    if not op.options["HalfPixelCenters"] or op.options["AlignCorners"]:
        raise Misconfigured("The model resizes other than by pixel centres, which the converter does not know.")
    (_, height, width, _), (_, to_height, to_width, _) = t.shape(op.inputs[0]), t.shape(op.outputs[0])
    scales = t.emitter.floats(1, 1, to_height / height, to_width / width)
    t.values[op.outputs[0]] = t.emitter.node(
        "Resize", t.values[op.inputs[0]], "", scales, mode="linear", coordinate_transformation_mode="half_pixel"
    )


def _depth_to_space(t: Translation, op: Operator) -> None:
    block = op.options["BlockSize"]
    t.values[op.outputs[0]] = t.emitter.node("DepthToSpace", t.values[op.inputs[0]], blocksize=block, mode="DCR")


def _reshape(t: Translation, op: Operator) -> None:
    """From NHWC to [1, anchors, values], where pictures end; there are as many anchors as the picture has."""
    (one, _, values) = t.shape(op.outputs[0])
    rows = t.emitter.node("Transpose", t.values[op.inputs[0]], perm=_NHWC_OF_NCHW)
    t.values[op.outputs[0]] = t.emitter.node("Reshape", rows, t.emitter.integers(one, -1, values))


def _concatenation(t: Translation, op: Operator) -> None:
    if any(len(t.shape(n)) == 4 for n in op.inputs):
        raise Misconfigured("The model joins pictures, which the converter does not know.")
    parts = [t.values[n] for n in op.inputs]
    t.values[op.outputs[0]] = t.emitter.node("Concat", *parts, axis=op.options["Axis"])


_TRANSLATORS: dict[str, Callable[[Translation, Operator], None]] = {
    "ADD": _add,
    "AVERAGE_POOL_2D": _average_pool,
    "CONCATENATION": _concatenation,
    "CONV_2D": _convolution,
    "Convolution2DTransposeBias": _transposed_convolution,
    "DENSIFY": _fold_as_is,
    "DEPTHWISE_CONV_2D": _depthwise,
    "DEPTH_TO_SPACE": _depth_to_space,
    "DEQUANTIZE": _fold_as_float32,
    "HARD_SWISH": _hard_swish,
    "LOGISTIC": _logistic,
    "MAX_POOL_2D": _max_pool,
    "MEAN": _mean,
    "MUL": _mul,
    "PAD": _pad,
    "PRELU": _prelu,
    "RELU": _relu,
    "RESHAPE": _reshape,
    "RESIZE_BILINEAR": _resize,
}
