"""The wider graph computes what the narrow one does, and has only whole blocks of channels inside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from services.detect.models.flatbuffer import read_graph
from services.detect.models.widening import BLOCK, widen
from tests.unit.services.detect.models.translated import result

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from services.detect.models.flatbuffer import Graph

SAME = {"strideH": 1, "strideW": 1, "padding": 0, "fusedActivationFunction": 0}
random = np.random.default_rng(11)


def noise(*shape: int) -> NDArray[np.float32]:
    return random.normal(size=shape).astype(np.float32)


@pytest.fixture
def residual(tiny: Any) -> Graph:
    """A residual block with more channels at its end than at its beginning, and 3 channels in and 5 out."""
    picture, start, deep, wide, grown, joint, bent, out = (
        tiny.tensor((1, 4, 4, n)) for n in (3, 6, 6, 20, 20, 20, 20, 5)
    )
    halves, kernel = tiny.constant(noise(6, 1, 1, 3).astype(np.float16)), tiny.tensor((6, 1, 1, 3))
    tiny.step("DEQUANTIZE", [halves], kernel)
    tiny.step("CONV_2D", [picture, kernel, tiny.constant(noise(6))], start, Conv2D=SAME)
    depthwise = [tiny.constant(noise(1, 3, 3, 6)), tiny.constant(noise(6))]
    tiny.step("DEPTHWISE_CONV_2D", [start, *depthwise], deep, DepthwiseConv2D={**SAME, "depthMultiplier": 1})
    tiny.step("CONV_2D", [deep, tiny.constant(noise(20, 1, 1, 6)), tiny.constant(noise(20))], wide, Conv2D=SAME)
    amounts = tiny.constant(np.array([[0, 0], [0, 0], [0, 0], [0, 14]], np.int32))
    tiny.step("PAD", [start, amounts], grown, Pad={})
    tiny.step("ADD", [grown, wide], joint, Add={"fusedActivationFunction": 0})
    tiny.step("PRELU", [joint, tiny.constant(noise(1, 1, 20))], bent)
    tiny.step("CONV_2D", [bent, tiny.constant(noise(5, 1, 1, 20)), tiny.constant(noise(5))], out, Conv2D=SAME)
    return read_graph(tiny.content([picture], [out]))


def test_the_wider_graph_computes_the_same(residual: Graph) -> None:
    picture = noise(1, 4, 4, 3)
    np.testing.assert_allclose(result(widen(residual), picture), result(residual, picture), rtol=1e-4, atol=1e-5)


def test_inner_pictures_have_whole_blocks_and_the_ends_stay(residual: Graph) -> None:
    wide = widen(residual)
    made = {operator.outputs[0] for operator in wide.operators if operator.kind != "DEQUANTIZE"}
    assert all(wide.shapes[number][3] % BLOCK == 0 for number in made - set(wide.outputs))
    assert [wide.shapes[number][3] for number in (*wide.inputs, *wide.outputs)] == [3, 5]


def test_the_graph_that_was_given_is_not_changed(residual: Graph) -> None:
    before = {number: constant.shape for number, constant in residual.constants.items()}
    widen(residual)
    assert {number: constant.shape for number, constant in residual.constants.items()} == before


def test_what_an_unknown_operator_reads_keeps_its_channels_back_to_the_convolution(tiny: Any) -> None:
    picture, made, calm, out = (tiny.tensor((1, 4, 4, n)) for n in (3, 4, 4, 1))
    tiny.step("CONV_2D", [picture, tiny.constant(noise(4, 1, 1, 3)), tiny.constant(noise(4))], made, Conv2D=SAME)
    tiny.step("RELU", [made], calm)
    tiny.step("DEPTH_TO_SPACE", [calm], out, DepthToSpace={"blockSize": 2})
    graph = read_graph(tiny.content([picture], [out]))
    assert widen(graph).shapes == graph.shapes


def test_a_depthwise_convolution_that_makes_more_channels_stays(tiny: Any) -> None:
    picture, first, out = tiny.tensor((1, 4, 4, 3)), tiny.tensor((1, 4, 4, 2)), tiny.tensor((1, 4, 4, 4))
    tiny.step("CONV_2D", [picture, tiny.constant(noise(2, 1, 1, 3)), tiny.constant(noise(2))], first, Conv2D=SAME)
    depthwise = [tiny.constant(noise(1, 3, 3, 4)), tiny.constant(noise(4))]
    tiny.step("DEPTHWISE_CONV_2D", [first, *depthwise], out, DepthwiseConv2D={**SAME, "depthMultiplier": 2})
    graph = read_graph(tiny.content([picture], [out]))
    assert widen(graph).shapes == graph.shapes


def gated(tiny: Any, *, padded: bool) -> Graph:
    """A picture of 6 channels whose own mean says by a logistic how much of each channel stays."""
    picture, deep, mean, gate, product, out = (
        tiny.tensor(shape)
        for shape in ((1, 4, 4, 3), (1, 4, 4, 6), (1, 1, 1, 6), (1, 1, 1, 6), (1, 4, 4, 6), (1, 4, 4, 5))
    )
    tiny.step("CONV_2D", [picture, tiny.constant(noise(6, 1, 1, 3)), tiny.constant(noise(6))], deep, Conv2D=SAME)
    tiny.step("MEAN", [deep, tiny.constant(np.array([1, 2], np.int32))], mean, Reducer={"keepDims": True})
    tiny.step("LOGISTIC", [mean], gate)
    tiny.step("MUL", [deep, gate], product, Mul={"fusedActivationFunction": 0})
    tiny.step("CONV_2D", [product, tiny.constant(noise(5, 1, 1, 6)), tiny.constant(noise(5))], out, Conv2D=SAME)
    if padded:
        amounts = tiny.constant(np.array([[0, 0], [0, 0], [0, 0], [0, 4]], np.int32))
        tiny.step("PAD", [gate, amounts], tiny.tensor((1, 1, 1, 10)), Pad={})
    return read_graph(tiny.content([picture], [out]))


def test_what_is_gated_is_wider_and_the_same(tiny: Any) -> None:
    graph, picture = gated(tiny, padded=False), noise(1, 4, 4, 3)
    wide = widen(graph)
    assert wide.shapes[wide.operators[3].outputs[0]] == (1, 4, 4, BLOCK)
    np.testing.assert_allclose(result(wide, picture), result(graph, picture), rtol=1e-4, atol=1e-5)


def test_a_logistic_that_others_read_stays_as_it_is(tiny: Any) -> None:
    """Its new channels would be one half."""
    graph = gated(tiny, padded=True)
    assert widen(graph).shapes[: len(graph.shapes) - 1] == graph.shapes[:-1]
