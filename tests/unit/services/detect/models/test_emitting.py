"""Building ONNX graphs."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper

from services.detect.models.emitting import FLOAT, IR_VERSION, OPSET, Emitter


def content() -> bytes:
    e = Emitter()
    halves = e.nodes("Split", 2, "x", e.integers(1, 1), axis=0)
    e.node("Add", *halves, name="sum")
    ends = [helper.make_tensor_value_info(n, FLOAT, s) for n, s in (("x", [2]), ("sum", [1]))]
    return e.model("halves", ends[:1], ends[1:])


def test_a_model_says_its_versions() -> None:
    model = onnx.load_from_string(content())
    assert model.ir_version == IR_VERSION
    assert [opset.version for opset in model.opset_import] == [OPSET]


def test_the_same_calls_give_the_same_bytes() -> None:
    assert content() == content()


def test_a_number_keeps_its_rank() -> None:
    e = Emitter()
    e.node("Gather", "x", e.index(1), axis=0, name="y")
    ends = [helper.make_tensor_value_info(n, FLOAT, s) for n, s in (("x", [2]), ("y", []))]
    model = onnx.load_from_string(e.model("pick", ends[:1], ends[1:]))
    assert list(model.graph.initializer[0].dims) == []


def test_a_graph_that_does_not_fit_together_is_refused() -> None:
    e = Emitter()
    e.node("Add", "x", e.constant(np.zeros(3, np.float32)), name="y")
    ends = [helper.make_tensor_value_info(n, FLOAT, [2]) for n in ("x", "y")]
    with pytest.raises(Exception, match="Incompatible dimensions"):
        e.model("wrong", ends[:1], ends[1:])
