"""Enlarges pictures after the convolution that reads them rather than before it: the same numbers for less work."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import tflite

if TYPE_CHECKING:
    from services.detect.models.flatbuffer import Graph, Operator


def postpone(graph: Graph) -> Graph:
    """The same function with each bilinear resize behind the 1x1 convolution that alone reads it.

    Both are linear, one mixes places and the other channels, and the weights of a resize add up to one, so that a bias
    passes it unchanged. The convolution has the fewer places to compute, and here the resize fewer channels too.
    """
    shapes, operators = list(graph.shapes), list(graph.operators)
    for resize in [operator for operator in graph.operators if operator.kind == "RESIZE_BILINEAR"]:
        readers = [operator for operator in operators if resize.outputs[0] in operator.inputs]
        if len(readers) != 1 or resize.outputs[0] in graph.outputs or not _is_linear_by_place(graph, readers[0]):
            continue
        [convolution], small, at = readers, len(shapes), operators.index(readers[0])
        channels = shapes[convolution.outputs[0]][3]
        shapes.append((*shapes[resize.inputs[0]][:3], channels))
        first = replace(convolution, inputs=(resize.inputs[0], *convolution.inputs[1:]), outputs=(small,))
        then = replace(resize, inputs=(small, *resize.inputs[1:]), outputs=convolution.outputs)
        operators[at : at + 1] = [first, then]
        operators.remove(resize)
    return replace(graph, shapes=tuple(shapes), operators=tuple(operators))


def _is_linear_by_place(graph: Graph, operator: Operator) -> bool:
    """Whether it is a convolution of single places, all of them, without an activation."""
    return (
        operator.kind == "CONV_2D"
        and graph.shapes[operator.inputs[1]][1:3] == (1, 1)
        and (operator.options["StrideH"], operator.options["StrideW"]) == (1, 1)
        and operator.options["FusedActivationFunction"] == tflite.ActivationFunctionType.NONE
    )
