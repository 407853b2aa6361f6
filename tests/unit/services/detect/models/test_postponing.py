"""Pictures are enlarged after the convolution that reads them, where that gives the same."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from services.detect.models.flatbuffer import read_graph
from services.detect.models.postponing import postpone
from tests.unit.services.detect.models.translated import result

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from services.detect.models.flatbuffer import Graph

random = np.random.default_rng(13)


def noise(*shape: int) -> NDArray[np.float32]:
    return random.normal(size=shape).astype(np.float32)


def enlarged(tiny: Any, kernel: int = 1, activation: int = 0, *, read_twice: bool = False) -> Graph:
    """A picture of 3 x 4 with 6 channels becomes one of 6 x 8, and that one with 2 channels."""
    source, large, result = tiny.tensor((1, 3, 4, 6)), tiny.tensor((1, 6, 8, 6)), tiny.tensor((1, 6, 8, 2))
    size = tiny.constant(np.array([6, 8], np.int32))
    tiny.step("RESIZE_BILINEAR", [source, size], large, ResizeBilinear={"halfPixelCenters": True})
    options = {"strideH": 1, "strideW": 1, "padding": 0, "fusedActivationFunction": activation}
    tiny.step(
        "CONV_2D", [large, tiny.constant(noise(2, kernel, kernel, 6)), tiny.constant(noise(2))], result, Conv2D=options
    )
    if read_twice:
        tiny.step("RELU", [large], tiny.tensor((1, 6, 8, 6)))
    return read_graph(tiny.content([source], [result]))


def kinds(graph: Graph) -> list[str]:
    return [operator.kind for operator in graph.operators]


def test_the_resize_comes_last_and_the_result_is_the_same(tiny: Any) -> None:
    graph, picture = enlarged(tiny), noise(1, 3, 4, 6)
    late = postpone(graph)
    assert kinds(late) == ["CONV_2D", "RESIZE_BILINEAR"]
    assert late.shapes[late.operators[0].outputs[0]] == (1, 3, 4, 2)
    np.testing.assert_allclose(result(late, picture), result(graph, picture), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "how", [{"kernel": 3}, {"activation": 1}, {"read_twice": True}], ids=["wide kernel", "activation", "read twice"]
)
def test_what_would_give_something_else_stays_as_it_is(tiny: Any, how: dict[str, Any]) -> None:
    graph = enlarged(tiny, **how)
    assert postpone(graph) == graph


def test_a_resize_that_is_the_result_stays(tiny: Any) -> None:
    source, large = tiny.tensor((1, 3, 4, 6)), tiny.tensor((1, 6, 8, 6))
    size = tiny.constant(np.array([6, 8], np.int32))
    tiny.step("RESIZE_BILINEAR", [source, size], large, ResizeBilinear={"halfPixelCenters": True})
    graph = read_graph(tiny.content([source], [large]))
    assert kinds(postpone(graph)) == ["RESIZE_BILINEAR"]


def test_a_resize_that_is_a_result_and_read_as_well_stays(tiny: Any) -> None:
    graph = enlarged(tiny)
    both = replace(graph, outputs=(graph.operators[0].outputs[0], *graph.outputs))
    assert postpone(both) == both
