"""Builds an ONNX graph node by node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

OPSET = 18
"""The oldest operator set that has all that is written here; any onnxruntime of the last years reads it."""
IR_VERSION = 9
FLOAT, UINT8, INT64, BOOL = TensorProto.FLOAT, TensorProto.UINT8, TensorProto.INT64, TensorProto.BOOL


class Emitter:
    """Collects the nodes and the weights of one graph. Values are named by strings, as in ONNX."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []
        self._count = 0

    def constant(self, array: NDArray[Any]) -> str:
        """Store a weight; returns its name."""
        name = self._new("w")
        self._weights.append(numpy_helper.from_array(np.array(array, order="C"), name))
        return name

    def floats(self, *numbers: float) -> str:
        """Store a float32 vector [n]."""
        return self.constant(np.array(numbers, np.float32))

    def integers(self, *numbers: int) -> str:
        """Store an int64 vector [n]."""
        return self.constant(np.array(numbers, np.int64))

    def index(self, number: int) -> str:
        """Store an int64 scalar []."""
        return self.constant(np.array(number, np.int64))

    def scalar(self, number: float) -> str:
        """Store a float32 scalar []."""
        return self.constant(np.array(number, np.float32))

    def node(self, kind: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        """Append an operator with one output; returns the output's name, `name` if one is given."""
        output = name or self._new("v")
        self._nodes.append(helper.make_node(kind, list(inputs), [output], name=f"{kind}/{output}", **attributes))
        return output

    def nodes(self, kind: str, outputs: int, *inputs: str, **attributes: Any) -> list[str]:
        """Append an operator with several outputs; returns their names."""
        names = [self._new("v") for _ in range(outputs)]
        self._nodes.append(helper.make_node(kind, list(inputs), names, name=f"{kind}/{names[0]}", **attributes))
        return names

    def take(self, nodes: Iterable[onnx.NodeProto], weights: Iterable[onnx.TensorProto]) -> None:
        """Append nodes and weights of another graph as they are; their names must be foreign to this one."""
        self._nodes.extend(nodes)
        self._weights.extend(weights)

    def model(self, name: str, inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto]) -> bytes:
        """The whole as the bytes of an .onnx file, checked by ONNX itself; the same calls give the same bytes."""
        graph = helper.make_graph(self._nodes, name, inputs, outputs, self._weights)
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="visavis"
        )
        onnx.checker.check_model(model, full_check=True)
        return bytes(model.SerializeToString(deterministic=True))

    def _new(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}{self._count}"
