"""The reader of .tflite files."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from services.detect.models.flatbuffer import read_graph
from shared.model.errors import Misconfigured

DENSE = np.array([[[[0, 0, 5, 0]]], [[[0, 0, 0, 0]]], [[[7, 0, 0, 9]]]], np.float32)


def sparsity(index_kind: int, table: Any, order: list[int]) -> Any:
    """Of DENSE: three dense dimensions, the last one compressed."""
    dense = [schema.DimensionMetadataT(format=0, denseSize=n) for n in (3, 1, 1)]
    last = schema.DimensionMetadataT(
        format=1,
        arraySegmentsType=index_kind,
        arraySegments=table(values=[0, 1, 1, 3]),
        arrayIndicesType=index_kind,
        arrayIndices=table(values=[2, 0, 3]),
    )
    return schema.SparsityParametersT(traversalOrder=order, dimMetadata=[*dense, last])


@pytest.mark.parametrize(
    ("kind", "table"), [(1, schema.Int32VectorT), (2, schema.Uint16VectorT), (3, schema.Uint8VectorT)]
)
def test_sparse_weights_are_spread_out(tiny: Any, kind: int, table: Any) -> None:
    stored = np.array([5, 7, 9], np.float32)
    number = tiny.tensor(DENSE.shape, stored, sparsity(kind, table, [0, 1, 2, 3]))
    graph = read_graph(tiny.content([], [number]))
    np.testing.assert_array_equal(graph.constants[number], DENSE)


def test_another_order_of_dimensions_is_refused(tiny: Any) -> None:
    turned = sparsity(1, schema.Int32VectorT, [0, 2, 1, 3])
    number = tiny.tensor(DENSE.shape, np.array([5, 7, 9], np.float32), turned)
    with pytest.raises(Misconfigured, match="reordered"):
        read_graph(tiny.content([], [number]))


def test_an_operator_keeps_its_name_inputs_and_options(tiny: Any) -> None:
    source, result = tiny.tensor((1, 2, 2, 8)), tiny.tensor((1, 4, 4, 2))
    tiny.step("DEPTH_TO_SPACE", [source], result, DepthToSpace={"blockSize": 2})
    (operator,) = read_graph(tiny.content([source], [result])).operators
    assert (operator.kind, operator.inputs, operator.outputs) == ("DEPTH_TO_SPACE", (source,), (result,))
    assert operator.options == {"BlockSize": 2}


def test_half_floats_keep_their_type(tiny: Any) -> None:
    number = tiny.constant(np.array([1.5, -2], np.float16))
    constant = read_graph(tiny.content([], [number])).constants[number]
    assert constant.dtype == np.float16
    assert constant.tolist() == [1.5, -2]


def test_an_operator_of_mediapipes_own_has_its_name_and_options(tiny: Any) -> None:
    source, result = tiny.tensor((1, 2, 2, 8)), tiny.tensor((1, 4, 4, 2))
    tiny.custom("Convolution2DTransposeBias", [source], result, np.array([1, 2, 3], "<i4"))
    (operator,) = read_graph(tiny.content([source], [result])).operators
    assert operator.kind == "Convolution2DTransposeBias"
    assert operator.options == {"Padding": 1, "StrideW": 2, "StrideH": 3}


def test_an_operator_whose_options_are_cut_off_is_refused(tiny: Any) -> None:
    source, result = tiny.tensor((1, 2, 2, 8)), tiny.tensor((1, 4, 4, 2))
    tiny.custom("Convolution2DTransposeBias", [source], result, np.array([1, 2], "<i4"))
    with pytest.raises(Misconfigured, match="without its options"):
        read_graph(tiny.content([source], [result]))


def test_an_operator_of_somebody_elses_keeps_its_name(tiny: Any) -> None:
    source, result = tiny.tensor((1, 2, 2, 8)), tiny.tensor((1, 4, 4, 2))
    tiny.custom("TheirOwn", [source], result, np.array([], "<i4"))
    (operator,) = read_graph(tiny.content([source], [result])).operators
    assert (operator.kind, operator.options) == ("TheirOwn", {})
