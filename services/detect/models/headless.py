"""A prepared BlazeFace without its head: what its nets say of every anchor, for any number of pictures at once.

Its head chooses among the candidates of one picture, in some fifty small steps of which one waits for the host. On a
card all of that is one kernel (`services.detect.cuda.heads`).
"""

from __future__ import annotations

import onnx
from onnx import TensorProto, helper, numpy_helper

from services.detect.models.emitting import UINT8
from shared.model.errors import Misconfigured


def headless(content: bytes) -> bytes:
    """The file of the nets alone.

    It takes `image` uint8 [n, height, width, 3] and gives `rows` float32 [n, anchors, 16] and `logits` float32
    [n, anchors, 1], as the published nets do. content: a prepared file of the family (`families.blazeface`).
    Raises Misconfigured for a file of another family.
    """
    model = onnx.load_from_string(content)
    made = {output: node for node in model.graph.node for output in node.output}
    rows, logits = _raw(model, made)
    needed = _needed(made, (rows, logits))
    nodes = [node for node in model.graph.node if node.output[0] in needed]
    _for_many(model, nodes)
    nodes += [helper.make_node("Identity", [value], [name]) for value, name in ((rows, "rows"), (logits, "logits"))]
    read = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes,
        model.graph.name,
        [helper.make_tensor_value_info("image", UINT8, ["images", "height", "width", 3])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["images", "anchors", size])
            for name, size in (("rows", 16), ("logits", 1))
        ],
        [weight for weight in model.graph.initializer if weight.name in read],
    )
    made_model = helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    return bytes(made_model.SerializeToString(deterministic=True))


def _raw(model: onnx.ModelProto, made: dict[str, onnx.NodeProto]) -> tuple[str, str]:
    """Names of the values that the head reads: rows and logits."""
    try:
        [best] = [node for node in model.graph.node if node.op_type == "TopK"]
        logits = made[made[best.input[0]].input[0]].input[0]
        [chosen] = [node for node in model.graph.node if node.op_type == "Gather" and node.input[1] == best.output[1]]
        return made[chosen.input[0]].input[0], logits
    except (KeyError, ValueError) as error:
        raise Misconfigured(f"The model {model.graph.name} has no head as BlazeFace's; prepare it again.") from error


def _needed(made: dict[str, onnx.NodeProto], wanted: tuple[str, ...]) -> set[str]:
    """First outputs of the nodes that it takes."""
    needed: set[str] = set()
    open_ends = list(wanted)
    while open_ends:
        node = made.get(open_ends.pop())
        if node is not None and node.output[0] not in needed:
            needed.add(node.output[0])
            open_ends += node.input
    return needed


def _for_many(model: onnx.ModelProto, nodes: list[onnx.NodeProto]) -> None:
    """Have the shapes of [1, anchors, n] keep the number of pictures instead."""
    shapes = {node.input[1] for node in nodes if node.op_type == "Reshape"}
    for weight in model.graph.initializer:
        if weight.name in shapes:
            sizes = numpy_helper.to_array(weight).copy()
            if sizes[0] == 1:
                sizes[0] = 0  # as it is in what is reshaped
                weight.CopyFrom(numpy_helper.from_array(sizes, weight.name))
