"""Reading published files and putting them into a graph, on models of a few nodes."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from services.detect.models.emitting import FLOAT, OPSET, Emitter
from services.detect.models.grafting import graft, input_shape, output_shapes, read_published
from shared.model.errors import Misconfigured

SHAPE = ("n", 3, "height", "width")


def halving(opset: int = 11, kind: int = FLOAT, domain: str = "") -> bytes:
    """Takes a picture and gives `half`, of half its height and width."""
    picture = helper.make_tensor_value_info("picture", kind, SHAPE)
    half = helper.make_tensor_value_info("half", kind, ("n", 3, "h", "w"))
    node = helper.make_node("MaxPool", ["picture"], ["half"], kernel_shape=(2, 2), strides=(2, 2), domain=domain)
    graph = helper.make_graph([node], "halving", [picture], [half])
    return bytes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=6).SerializeToString()
    )


def test_an_old_model_is_raised_to_the_operators_that_are_written_here() -> None:
    model = read_published(halving(), "m")
    assert [entry.version for entry in model.opset_import] == [OPSET]


def test_shapes_are_told_for_a_picture_of_any_size() -> None:
    model = read_published(halving(), "m")
    assert input_shape(model) == (0, 3, 0, 0)
    assert output_shapes(model, (2, 3, 10, 6)) == {"half": (2, 3, 5, 3)}


def test_a_picture_that_does_not_fit_is_refused() -> None:
    model = read_published(halving(), "m")
    with pytest.raises(Misconfigured, match="cannot take 1 pictures of 1 x 1 pixels"):
        output_shapes(model, (1, 3, 1, 1, 1))


def test_a_grafted_model_says_what_it_said_alone() -> None:
    e = Emitter()
    values = graft(e, read_published(halving(), "m"), e.node("Neg", "image"))
    e.node("Neg", values["half"], name="smallest")
    ends = (helper.make_tensor_value_info(name, FLOAT, SHAPE) for name in ("image", "smallest"))
    source, result = ends
    session = onnxruntime.InferenceSession(e.model("m", [source], [result]), providers=["CPUExecutionProvider"])
    image = np.arange(48, dtype=np.float32).reshape(1, 3, 4, 4)
    np.testing.assert_array_equal(session.run(None, {"image": image})[0], image[:, :, ::2, ::2])


def test_functions_that_a_model_brings_along_are_taken() -> None:
    imports = [helper.make_opsetid("", 18), helper.make_opsetid("mine", 1)]
    body = [helper.make_node("Relu", ["x"], ["y"])]
    function = helper.make_function("mine", "Mine", ["x"], ["y"], body, imports[:1])
    ends = [helper.make_tensor_value_info(name, FLOAT, SHAPE) for name in ("picture", "out")]
    graph = helper.make_graph([helper.make_node("Mine", ["picture"], ["out"], domain="mine")], "g", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=imports, functions=[function], ir_version=9)
    assert {node.op_type for node in read_published(model.SerializeToString(), "m").graph.node} == {"Relu"}


def test_a_damaged_model_is_refused() -> None:
    with pytest.raises(Misconfigured, match="The model m is damaged"):
        read_published(halving()[:-3], "m")


def test_a_model_that_breaks_the_standard_is_refused() -> None:
    with pytest.raises(Misconfigured, match="The model m is damaged, or too old or new"):
        read_published(halving().replace(b"MaxPool", b"MaxPooh"), "m")


def test_a_foreign_operator_is_refused() -> None:
    with pytest.raises(Misconfigured, match="operators that ONNX does not define"):
        read_published(halving(domain="evil.example"), "m")


def test_a_picture_of_other_than_floats_is_refused() -> None:
    with pytest.raises(Misconfigured, match="float32"):
        input_shape(read_published(halving(opset=12, kind=TensorProto.UINT8), "m"))


def test_weights_that_are_listed_as_inputs_are_no_pictures() -> None:
    ends = [
        helper.make_tensor_value_info(name, FLOAT, shape) for name, shape in (("w", (1,)), ("x", SHAPE), ("y", SHAPE))
    ]
    node = helper.make_node("Add", ["x", "w"], ["y"])
    graph = helper.make_graph([node], "g", ends[:2], ends[2:], [numpy_helper.from_array(np.ones(1, np.float32), "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=3)
    assert input_shape(model) == (0, 3, 0, 0)


@pytest.mark.parametrize("shape", [(), (1, 100)])
def test_what_takes_no_pictures_is_refused(shape: tuple[int, ...]) -> None:
    ends = [helper.make_tensor_value_info(name, FLOAT, shape) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    for told in (input_shape, lambda model: output_shapes(model, (1, 3, 64, 64))):
        with pytest.raises(Misconfigured, match=f"four axes; this one takes {len(shape)}"):
            told(model)
