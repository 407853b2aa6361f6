"""What is refused before a model is loaded, on models of a few bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from services.detect.models.checking import DATA_LOCATION, EXTERNAL_DATA, INSIDE, TEXTS, check_self_contained
from shared.model.errors import Misconfigured

if TYPE_CHECKING:
    from pathlib import Path

X = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])
Y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n"])
YES = helper.make_tensor_value_info("yes", TensorProto.BOOL, [])


def model_of(*nodes: onnx.NodeProto, weights: tuple[onnx.TensorProto, ...] = ()) -> onnx.ModelProto:
    graph = helper.make_graph(nodes, "graph", [X, YES], [Y], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])


def foreign(result: str = "y") -> onnx.NodeProto:
    return helper.make_node("Steal", ["x"], [result], domain="evil.example")


def elsewhere() -> onnx.TensorProto:
    """A weight that lies in another file."""
    weight = numpy_helper.from_array(np.ones(2, np.float32), "w")
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    entry = weight.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"
    return weight


def branch(*nodes: onnx.NodeProto, weights: tuple[onnx.TensorProto, ...] = ()) -> onnx.GraphProto:
    return helper.make_graph(nodes, "branch", [], [Y], weights)


def test_a_model_of_standard_operators_is_taken() -> None:
    check_self_contained(model_of(helper.make_node("Relu", ["x"], ["y"])).SerializeToString(), "m")


def test_weights_in_another_file_are_refused(tmp_path: Path) -> None:
    model = model_of(
        helper.make_node("Add", ["x", "w"], ["y"]), weights=(numpy_helper.from_array(np.ones(2, np.float32), "w"),)
    )
    onnx.save(model, tmp_path / "m.onnx", save_as_external_data=True, location="w.bin", size_threshold=0)
    with pytest.raises(Misconfigured, match="The model m keeps weights in another file"):
        check_self_contained((tmp_path / "m.onnx").read_bytes(), "m")


@pytest.mark.parametrize(
    "nodes",
    [
        [helper.make_node("Constant", [], ["y"], value=elsewhere())],
        [helper.make_node("If", ["yes"], ["y"], then_branch=branch(weights=(elsewhere(),)), else_branch=branch())],
        [helper.make_node("Constant", [], ["y"], sparse_value=onnx.SparseTensorProto(values=elsewhere()))],
    ],
    ids=["constant", "branch", "sparse"],
)
def test_weights_in_another_file_are_refused_wherever_they_hide(nodes: list[onnx.NodeProto]) -> None:
    with pytest.raises(Misconfigured, match="in another file"):
        check_self_contained(model_of(*nodes).SerializeToString(), "m")


def test_a_foreign_operator_is_refused_by_its_name() -> None:
    with pytest.raises(Misconfigured, match=r"ONNX does not define \(evil.example.Steal\)"):
        check_self_contained(model_of(foreign()).SerializeToString(), "m")


def test_a_foreign_operator_in_a_branch_of_a_branch_is_refused() -> None:
    inner = helper.make_node("If", ["yes"], ["y"], then_branch=branch(foreign()), else_branch=branch())
    outer = helper.make_node("If", ["yes"], ["y"], then_branch=branch(), else_branch=branch(inner))
    with pytest.raises(Misconfigured, match="Steal"):
        check_self_contained(model_of(outer).SerializeToString(), "m")


def with_function(body: onnx.NodeProto) -> bytes:
    model = model_of(helper.make_node("Mine", ["x"], ["y"], domain="mine"))
    imports = [helper.make_opsetid("", 18)]
    model.functions.append(helper.make_function("mine", "Mine", ["x"], ["y"], [body], imports))
    return bytes(model.SerializeToString())


def test_a_function_that_the_model_brings_along_is_taken() -> None:
    check_self_contained(with_function(helper.make_node("Relu", ["x"], ["y"])), "m")


def test_a_foreign_operator_in_a_function_is_refused() -> None:
    with pytest.raises(Misconfigured, match="Steal"):
        check_self_contained(with_function(foreign()), "m")


def test_graphs_may_lie_deep_in_graphs() -> None:
    part = branch(foreign())
    for _ in range(25):
        part = branch(helper.make_node("If", ["yes"], ["y"], then_branch=part, else_branch=branch()))
    deep = model_of(helper.make_node("If", ["yes"], ["y"], then_branch=part, else_branch=branch()))
    with pytest.raises(Misconfigured, match="Steal"):
        check_self_contained(deep.SerializeToString(), "m")


@pytest.mark.parametrize("content", [b"\x3a\x7f\x00", b"\xff" * 20, b"\x0b", b"text that is no model"])
def test_what_is_no_model_is_refused(content: bytes) -> None:
    with pytest.raises(Misconfigured, match="damaged"):
        check_self_contained(content, "m")


def test_a_cut_model_is_refused() -> None:
    content = model_of(helper.make_node("Relu", ["x"], ["y"])).SerializeToString()
    with pytest.raises(Misconfigured, match="damaged"):
        check_self_contained(content[:-1], "m")


def test_the_field_numbers_are_those_of_onnx_and_none_is_missing() -> None:
    messages = {name: getattr(onnx, name).DESCRIPTOR for name in INSIDE}
    theirs = {
        name: {f.number: f.message_type.name for f in d.fields if f.message_type and f.message_type.name in reaching()}
        for name, d in messages.items()
    }
    assert theirs == INSIDE
    for name, texts in TEXTS.items():
        assert {n: messages[name].fields_by_number[n].name for n in texts} == texts
    tensor = TensorProto.DESCRIPTOR.fields_by_name
    assert (tensor["external_data"].number, tensor["data_location"].number) == (EXTERNAL_DATA, DATA_LOCATION)


def reaching() -> set[str]:
    return {*INSIDE, "TensorProto"}
