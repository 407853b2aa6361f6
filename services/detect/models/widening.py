"""Gives the inner pictures of a graph whole blocks of channels, the new ones zero: what is computed stays the same.

The CPU provider of onnxruntime computes in blocks of 16 channels (8 without AVX-512). A picture with 28 channels is
taken out of its blocks and put into them again around all that is no convolution; one with 32, of which four are zero,
stays in them, sums and activations are drawn into the convolutions, and many an added channel needs no node any more.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from services.detect.models.flatbuffer import Graph, Operator

    Array = NDArray[Any]

BLOCK = 16
_CHANNELS = 3  # the axis of a picture [1, height, width, channels]
_FOLDED = frozenset({"DENSIFY", "DEQUANTIZE"})
_KEEPING = frozenset(
    {
        *("ADD", "AVERAGE_POOL_2D", "DEPTHWISE_CONV_2D", "HARD_SWISH", "LOGISTIC", "MAX_POOL_2D", "MEAN", "MUL", "PAD"),
        *("PRELU", "RELU", "RESIZE_BILINEAR"),
    }
)
"""Operators whose output has the channels of their inputs, as a rule."""
_MAKING = frozenset({"CONV_2D", "PAD"})
"""Operators whose output may have other channels than their input."""


def widen(graph: Graph) -> Graph:
    """The same function with inner pictures of a multiple of BLOCK channels; what others read stays as it is."""
    fixed = _fixed(graph)
    shapes = [
        shape if number in fixed or len(shape) != 4 or number in graph.constants else _widened(shape)
        for number, shape in enumerate(graph.shapes)
    ]
    wider = _Wider(graph, shapes)
    operators = tuple(wider.operator(operator) for operator in graph.operators)
    return replace(graph, operators=operators, shapes=tuple(wider.shapes), constants=wider.constants)


def _widened(shape: Sequence[int]) -> tuple[int, ...]:
    return (*shape[:_CHANNELS], -(-shape[_CHANNELS] // BLOCK) * BLOCK)


def _fixed(graph: Graph) -> set[int]:
    """Tensors whose channels must stay: what goes in and out, what others read, and what is tied to those."""
    constants = _sources(graph)
    fixed = {*graph.inputs, *graph.outputs}
    tied: list[set[int]] = []
    for operator in graph.operators:
        pictures = {n for n in (*operator.inputs, *operator.outputs) if n >= 0 and n not in constants}
        same = len({graph.shapes[n][-1] for n in pictures}) == 1
        one_is_constant = operator.kind in {"ADD", "MUL"} and len(pictures) < 3
        if operator.kind in _KEEPING and same and not one_is_constant and _stays_zero(operator, graph):
            tied.append(pictures)
        elif operator.kind not in _MAKING:
            fixed |= pictures
    while more := [pictures for pictures in tied if pictures & fixed and not pictures <= fixed]:
        fixed = fixed.union(*more)
    return fixed


def _stays_zero(operator: Operator, graph: Graph) -> bool:
    """Whether new channels come out zero, or are one half, as a logistic's are, and only factors of zeros."""
    readers = (other.kind for other in graph.operators if operator.outputs[0] in other.inputs)
    return operator.kind != "LOGISTIC" or all(kind == "MUL" for kind in readers)


def _sources(graph: Graph) -> dict[int, int]:
    """Which stored constant each constant tensor comes from, those that are unfolded on the way included."""
    sources = {number: number for number in graph.constants}
    for operator in graph.operators:
        if operator.kind in _FOLDED:
            sources[operator.outputs[0]] = sources[operator.inputs[0]]
    return sources


class _Wider:
    """The tensors of the wider graph as far as it is written."""

    def __init__(self, graph: Graph, shapes: Iterable[tuple[int, ...]]) -> None:
        self.shapes = list(shapes)
        self.constants: dict[int, Array] = dict(graph.constants)
        self._sources = _sources(graph)

    def operator(self, operator: Operator) -> Operator:
        """The operator with constants of its own where channels are new."""
        if operator.kind not in _GROWN:
            return operator
        source, *numbers = operator.inputs
        read, made = (self.shapes[number][_CHANNELS] for number in (source, operator.outputs[0]))
        inputs = [number if number < 0 else self._fitting(number, operator.kind, read, made) for number in numbers]
        return replace(operator, inputs=(source, *inputs))

    def _fitting(self, number: int, kind: str, read: int, made: int) -> int:
        """The number of the constant that takes its place; itself, if it fits."""
        old = self.constants[self._sources[number]]
        new = _GROWN[kind](old, read, made)
        if new is old:
            return number
        self.constants[len(self.shapes)] = new
        self.shapes.append(new.shape)
        return len(self.shapes) - 1


def _kernel_or_bias(constant: Array, read: int, made: int) -> Array:
    """[out, height, width, in] or [out]."""
    return _grown(constant, (made, *constant.shape[1:_CHANNELS], read)[: constant.ndim])


def _by_channel(constant: Array, _: int, made: int) -> Array:
    """The last axis is that of the channels."""
    return _grown(constant, (*constant.shape[:-1], made))


def _amounts(constant: Array, read: int, made: int) -> Array:
    """Of a pad [4, 2]: the new channels stand behind the old ones."""
    if constant[_CHANNELS].tolist() == [0, made - read]:
        return constant
    return np.vstack([constant[:_CHANNELS], (0, made - read)]).astype(constant.dtype)


def _grown(constant: Array, shape: tuple[int, ...]) -> Array:
    """With zeros at the end of each axis that is shorter."""
    if constant.shape == shape:
        return constant
    return np.pad(constant, [(0, new - old) for old, new in zip(constant.shape, shape, strict=True)])


_GROWN = {"CONV_2D": _kernel_or_bias, "DEPTHWISE_CONV_2D": _by_channel, "PRELU": _by_channel, "PAD": _amounts}
"""How the constants of each kind follow the channels that are read and made."""
