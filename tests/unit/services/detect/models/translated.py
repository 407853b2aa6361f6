"""What a graph of TensorFlow Lite computes once it is translated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import helper
from onnx.reference import ReferenceEvaluator

from services.detect.models.emitting import FLOAT, Emitter
from services.detect.models.operators import Translation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from services.detect.models.flatbuffer import Graph


def result(graph: Graph, picture: NDArray[np.float32]) -> NDArray[Any]:
    """Of the graph's first output for a picture [1, rows, columns, channels], by ONNX's reference runtime."""
    emitter = Emitter()
    translation = Translation(graph, emitter)
    translation.read(graph.inputs[0], "in", 1.0)
    for operator in graph.operators:
        translation.translate(operator)
    emitter.node("Identity", translation.values[graph.outputs[0]], name="out")
    picture = picture.transpose(0, 3, 1, 2)
    infos = [helper.make_tensor_value_info("in", FLOAT, picture.shape)]
    outputs = [helper.make_tensor_value_info("out", FLOAT, [f"axis{n}" for n in range(4)])]
    found: Any = ReferenceEvaluator(emitter.model("tiny", infos, outputs)).run(None, {"in": picture})
    return np.asarray(found[0])
