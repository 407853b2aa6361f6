"""Reads a TensorFlow Lite model into plain values: what the converter needs, and no more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tflite

from shared.model.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Array = NDArray[Any]

_DTYPES = {
    tflite.TensorType.FLOAT32: np.dtype("<f4"),
    tflite.TensorType.FLOAT16: np.dtype("<f2"),
    tflite.TensorType.INT32: np.dtype("<i4"),
}
_INDEX_VECTORS = {
    tflite.SparseIndexVector.Int32Vector: tflite.Int32Vector,
    tflite.SparseIndexVector.Uint16Vector: tflite.Uint16Vector,
    tflite.SparseIndexVector.Uint8Vector: tflite.Uint8Vector,
}
_OPERATOR_NAMES = {code: name for name, code in vars(tflite.BuiltinOperator).items() if isinstance(code, int)}
_OPTION_TABLES = {
    "ADD": tflite.AddOptions,
    "AVERAGE_POOL_2D": tflite.Pool2DOptions,
    "CONCATENATION": tflite.ConcatenationOptions,
    "CONV_2D": tflite.Conv2DOptions,
    "DEPTHWISE_CONV_2D": tflite.DepthwiseConv2DOptions,
    "DEPTH_TO_SPACE": tflite.DepthToSpaceOptions,
    "MAX_POOL_2D": tflite.Pool2DOptions,
    "MEAN": tflite.ReducerOptions,
    "MUL": tflite.MulOptions,
    "RESIZE_BILINEAR": tflite.ResizeBilinearOptions,
}
_CUSTOM_OPTIONS = {"Convolution2DTransposeBias": ("Padding", "StrideW", "StrideH")}
"""Fields of the operators that MediaPipe adds (mediapipe/util/tflite/operations): int32, in this order."""


@dataclass(frozen=True, slots=True)
class Operator:
    """One step of the graph."""

    kind: str
    """The builtin operator's name in the schema, e.g. `CONV_2D`, or the name that a custom one has."""
    inputs: tuple[int, ...]
    """Tensor numbers; -1 where an optional input is absent."""
    outputs: tuple[int, ...]
    options: Mapping[str, int]
    """The schema's option fields of this kind by their names there, e.g. `StrideH`."""


@dataclass(frozen=True, slots=True)
class Graph:
    """One model: a list of operators in the order in which they run."""

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]
    """Of every tensor, activations in NHWC."""
    constants: Mapping[int, Array]
    """Weights by tensor number, dense, in the type in which they are stored."""
    operators: tuple[Operator, ...]


def read_graph(content: bytes) -> Graph:
    """The first subgraph of a .tflite file.

    Raises Misconfigured for a tensor type or an operator that the converter does not know.
    """
    schema: Any = tflite  # generated code without types
    model = schema.Model.GetRootAs(content, 0)
    graph = model.Subgraphs(0)
    tensors = [graph.Tensors(number) for number in range(graph.TensorsLength())]
    stored = {number: model.Buffers(tensor.Buffer()) for number, tensor in enumerate(tensors)}
    return Graph(
        inputs=tuple(int(number) for number in graph.InputsAsNumpy()),
        outputs=tuple(int(number) for number in graph.OutputsAsNumpy()),
        shapes=tuple(_shape(tensor) for tensor in tensors),
        constants={n: _constant(tensors[n], buffer) for n, buffer in stored.items() if buffer.DataLength()},
        operators=tuple(_operator(model, graph.Operators(number)) for number in range(graph.OperatorsLength())),
    )


def _shape(tensor: Any) -> tuple[int, ...]:
    return tuple(int(tensor.Shape(axis)) for axis in range(tensor.ShapeLength()))


def _constant(tensor: Any, buffer: Any) -> Array:
    if tensor.Type() not in _DTYPES:
        raise Misconfigured(f"The model stores a tensor of type {tensor.Type()}, which the converter does not know.")
    values = buffer.DataAsNumpy().view(_DTYPES[tensor.Type()])
    if tensor.Sparsity() is None:
        return np.asarray(values.reshape(_shape(tensor)))
    return _dense(values, tensor.Sparsity(), _shape(tensor))


def _dense(values: Array, sparsity: Any, shape: tuple[int, ...]) -> Array:
    """Expand a tensor stored as a tree of dimensions, dense or compressed (the schema's SparsityParameters)."""
    if sparsity.BlockMapLength() or list(sparsity.TraversalOrderAsNumpy()) != list(range(len(shape))):
        raise Misconfigured("The model stores blocks or reordered dimensions, which the converter does not know.")
    path = np.zeros((1, 0), np.int64)  # coordinates of every stored node, one level of the tree at a time
    for axis in range(sparsity.DimMetadataLength()):
        level = sparsity.DimMetadata(axis)
        if level.Format() == tflite.DimensionType.DENSE:
            counts = np.full(len(path), level.DenseSize())
            last = np.tile(np.arange(level.DenseSize()), len(path))
        else:
            counts = np.diff(_indices(level.ArraySegmentsType(), level.ArraySegments()))
            last = _indices(level.ArrayIndicesType(), level.ArrayIndices())
        path = np.column_stack([np.repeat(path, counts, axis=0), last])
    dense = np.zeros(shape, values.dtype)
    dense[tuple(path.T)] = values
    return dense


def _indices(kind: int, table: Any) -> NDArray[np.int64]:
    vector: Any = _INDEX_VECTORS[kind]()
    vector.Init(table.Bytes, table.Pos)
    return np.asarray(vector.ValuesAsNumpy(), np.int64)


def _operator(model: Any, operator: Any) -> Operator:
    code = model.OperatorCodes(operator.OpcodeIndex())
    # Codes below 127 stand in the older, one-byte field; the larger of the two is the real one.
    kind = _OPERATOR_NAMES[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
    if kind == "CUSTOM":
        kind = code.CustomCode().decode(errors="replace")
        options = _custom_options(kind, operator)
    else:
        options = _options(_OPTION_TABLES.get(kind), operator.BuiltinOptions())
    return Operator(
        kind=kind,
        inputs=tuple(int(number) for number in operator.InputsAsNumpy()),
        outputs=tuple(int(number) for number in operator.OutputsAsNumpy()),
        options=options,
    )


def _custom_options(kind: str, operator: Any) -> dict[str, int]:
    """Of a kind that is not known here there are none: the converter will name it."""
    names = _CUSTOM_OPTIONS.get(kind, ())
    if not names:
        return {}
    if operator.CustomOptionsLength() < 4 * len(names):
        raise Misconfigured(f"The model has an operator {kind} without its options, which the converter does not know.")
    return dict(zip(names, operator.CustomOptionsAsNumpy()[: 4 * len(names)].view("<i4").tolist(), strict=True))


def _options(table: Any, raw: Any) -> dict[str, int]:
    if table is None or raw is None:
        return {}
    options = table()
    options.Init(raw.Bytes, raw.Pos)
    fields = [name for name in dir(options) if name[0].isupper() and not name.startswith(("GetRoot", "Init"))]
    return {name: int(getattr(options, name)()) for name in fields if not name.endswith("BufferHasIdentifier")}
