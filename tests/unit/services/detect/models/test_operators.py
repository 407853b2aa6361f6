"""Every operator against the reference runtime, on tiny models built by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import pytest
from ai_edge_litert.interpreter import Interpreter
from onnx import helper

from services.detect.models.emitting import FLOAT, Emitter
from services.detect.models.flatbuffer import read_graph
from services.detect.models.operators import Translation
from shared.model.errors import Misconfigured

if TYPE_CHECKING:
    from numpy.typing import NDArray

VALID, SAME = 1, 0
RELU = 1
random = np.random.default_rng(7)


def noise(*shape: int) -> NDArray[np.float32]:
    return random.normal(size=shape).astype(np.float32)


def reference(content: bytes, inputs: list[NDArray[Any]]) -> NDArray[Any]:
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    for detail, value in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.set_tensor(detail["index"], value)
    interpreter.invoke()
    return np.array(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))


def converted(content: bytes, inputs: list[NDArray[Any]], gain: float = 1.0) -> NDArray[Any]:
    graph, emitter = read_graph(content), Emitter()
    translation = Translation(graph, emitter)
    feeds, infos = {}, []
    for number, value in zip(graph.inputs, inputs, strict=True):
        name = f"in{number}"
        feeds[name] = value.transpose(0, 3, 1, 2) if value.ndim == 4 else value
        infos.append(helper.make_tensor_value_info(name, FLOAT, feeds[name].shape))
        translation.read(number, name, gain)
    for operator in graph.operators:
        translation.translate(operator)
    emitter.node("Identity", translation.values[graph.outputs[0]], name="out")
    shape = [f"axis{n}" for n in range(len(graph.shapes[graph.outputs[0]]))]
    content = emitter.model("tiny", infos, [helper.make_tensor_value_info("out", FLOAT, shape)])
    (out,) = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"]).run(None, feeds)
    return np.asarray(out.transpose(0, 2, 3, 1) if out.ndim == 4 else out)


def agree(content: bytes, *inputs: NDArray[Any]) -> None:
    expected = reference(content, list(inputs))
    found = converted(content, list(inputs))
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def convolution(stride: int, padding: int, activation: int = 0) -> dict[str, int]:
    return {"strideH": stride, "strideW": stride, "padding": padding, "fusedActivationFunction": activation}


@pytest.mark.parametrize("padding", [VALID, SAME])
@pytest.mark.parametrize(("stride", "kernel"), [(1, 3), (2, 3), (2, 5), (3, 3), (1, 1)])
def test_a_convolution(tiny: Any, stride: int, kernel: int, padding: int) -> None:
    size = 9 if padding == VALID else 10
    out = -(-size // stride) if padding == SAME else (size - kernel) // stride + 1
    source, result = tiny.tensor((1, size, size, 3)), tiny.tensor((1, out, out, 4))
    weights = [tiny.constant(noise(4, kernel, kernel, 3)), tiny.constant(noise(4))]
    tiny.step("CONV_2D", [source, *weights], result, Conv2D=convolution(stride, padding, RELU))
    agree(tiny.content([source], [result]), noise(1, size, size, 3))


@pytest.mark.parametrize("stride", [1, 2])
def test_a_depthwise_convolution(tiny: Any, stride: int) -> None:
    source, result = tiny.tensor((1, 8, 8, 5)), tiny.tensor((1, 8 // stride, 8 // stride, 5))
    weights = [tiny.constant(noise(1, 3, 3, 5)), tiny.constant(noise(5))]
    options = {**convolution(stride, SAME), "depthMultiplier": 1}
    tiny.step("DEPTHWISE_CONV_2D", [source, *weights], result, DepthwiseConv2D=options)
    agree(tiny.content([source], [result]), noise(1, 8, 8, 5))


def padded_convolution(tiny: Any) -> bytes:
    source, padded, result = tiny.tensor((1, 8, 8, 3)), tiny.tensor((1, 11, 10, 3)), tiny.tensor((1, 5, 4, 4))
    tiny.step("PAD", [source, tiny.constant(np.array([[0, 0], [1, 2], [0, 2], [0, 0]], np.int32))], padded, Pad={})
    weights = [tiny.constant(noise(4, 3, 3, 3)), tiny.constant(noise(4))]
    tiny.step("CONV_2D", [padded, *weights], result, Conv2D=convolution(2, VALID))
    return bytes(tiny.content([source], [result]))


def test_a_border_is_drawn_by_the_convolution_that_reads_it(tiny: Any) -> None:
    content = padded_convolution(tiny)
    agree(content, noise(1, 8, 8, 3))


def test_a_factor_before_the_graph_goes_into_the_first_kernel(tiny: Any) -> None:
    content, picture = padded_convolution(tiny), noise(1, 8, 8, 3)
    expected = reference(content, [picture * np.float32(0.25)])
    np.testing.assert_allclose(converted(content, [picture], gain=0.25), expected, rtol=1e-5, atol=1e-5)


def test_new_channels_are_zero(tiny: Any) -> None:
    source, result = tiny.tensor((1, 4, 4, 3)), tiny.tensor((1, 4, 4, 8))
    tiny.step("PAD", [source, tiny.constant(np.array([[0, 0], [0, 0], [0, 0], [0, 5]], np.int32))], result, Pad={})
    agree(tiny.content([source], [result]), noise(1, 4, 4, 3))


@pytest.mark.parametrize("steepest", [0.9, 1.4])
def test_a_prelu_with_slopes_of_either_sign(tiny: Any, steepest: float) -> None:
    source, result = tiny.tensor((1, 5, 5, 16)), tiny.tensor((1, 5, 5, 16))
    slopes = np.linspace(-0.8, steepest, 16, dtype=np.float32).reshape(1, 1, 16)
    tiny.step("PRELU", [source, tiny.constant(slopes)], result)
    agree(tiny.content([source], [result]), noise(1, 5, 5, 16))


@pytest.mark.parametrize("activation", [0, RELU])
def test_a_sum(tiny: Any, activation: int) -> None:
    one, other, result = (tiny.tensor((1, 4, 4, 3)) for _ in range(3))
    tiny.step("ADD", [one, other], result, Add={"fusedActivationFunction": activation})
    agree(tiny.content([one, other], [result]), noise(1, 4, 4, 3), noise(1, 4, 4, 3))


def test_a_relu(tiny: Any) -> None:
    source, result = tiny.tensor((1, 4, 4, 3)), tiny.tensor((1, 4, 4, 3))
    tiny.step("RELU", [source], result)
    agree(tiny.content([source], [result]), noise(1, 4, 4, 3))


@pytest.mark.parametrize(("size", "padding"), [(8, VALID), (8, SAME), (7, SAME)])
def test_a_maximum_pool(tiny: Any, size: int, padding: int) -> None:
    source, result = tiny.tensor((1, size, size, 3)), tiny.tensor((1, 4, 4, 3))
    options = {**convolution(2, padding), "filterHeight": 2, "filterWidth": 2}
    tiny.step("MAX_POOL_2D", [source], result, Pool2D=options)
    agree(tiny.content([source], [result]), noise(1, size, size, 3))


def test_a_resize_by_pixel_centres(tiny: Any) -> None:
    source, result = tiny.tensor((1, 3, 5, 4)), tiny.tensor((1, 6, 10, 4))
    size = tiny.constant(np.array([6, 10], np.int32))
    tiny.step("RESIZE_BILINEAR", [source, size], result, ResizeBilinear={"halfPixelCenters": True})
    agree(tiny.content([source], [result]), noise(1, 3, 5, 4))


def test_depth_becomes_space(tiny: Any) -> None:
    source, result = tiny.tensor((1, 3, 4, 12)), tiny.tensor((1, 6, 8, 3))
    tiny.step("DEPTH_TO_SPACE", [source], result, DepthToSpace={"blockSize": 2})
    agree(tiny.content([source], [result]), noise(1, 3, 4, 12))


def test_pictures_become_rows_and_rows_are_joined(tiny: Any) -> None:
    large, small = tiny.tensor((1, 4, 4, 6)), tiny.tensor((1, 2, 2, 9))
    rows = [tiny.tensor((1, 32, 3)), tiny.tensor((1, 12, 3))]
    result = tiny.tensor((1, 44, 3))
    for source, row, count in zip((large, small), rows, (32, 12), strict=True):
        shape = tiny.constant(np.array([1, count, 3], np.int32))
        tiny.step("RESHAPE", [source, shape], row, Reshape={"newShape": [1, count, 3]})
    tiny.step("CONCATENATION", rows, result, Concatenation={"axis": 1})
    agree(tiny.content([large, small], [result]), noise(1, 4, 4, 6), noise(1, 2, 2, 9))


def test_half_floats_are_unfolded(tiny: Any) -> None:
    source, result = tiny.tensor((1, 4, 4, 3)), tiny.tensor((1, 4, 4, 2))
    kernel, halves = tiny.tensor((2, 1, 1, 3)), tiny.constant(noise(2, 1, 1, 3).astype(np.float16))
    tiny.step("DEQUANTIZE", [halves], kernel)
    tiny.step("CONV_2D", [source, kernel, tiny.constant(noise(2))], result, Conv2D=convolution(1, VALID))
    agree(tiny.content([source], [result]), noise(1, 4, 4, 3))


@pytest.mark.parametrize("kind", ["HARD_SWISH", "LOGISTIC"])
def test_an_activation(tiny: Any, kind: str) -> None:
    source, result = tiny.tensor((1, 4, 4, 3)), tiny.tensor((1, 4, 4, 3))
    tiny.step(kind, [source], result)
    agree(tiny.content([source], [result]), 4 * noise(1, 4, 4, 3))


@pytest.mark.parametrize("other", [(1, 4, 4, 3), (1, 1, 1, 3)], ids=["a picture", "a number a channel"])
def test_a_product(tiny: Any, other: tuple[int, ...]) -> None:
    one, factor, result = tiny.tensor((1, 4, 4, 3)), tiny.tensor(other), tiny.tensor((1, 4, 4, 3))
    tiny.step("MUL", [one, factor], result, Mul={"fusedActivationFunction": RELU})
    agree(tiny.content([one, factor], [result]), noise(1, 4, 4, 3), noise(*other))


def average_pool(tiny: Any, side: int) -> bytes:
    source, result = tiny.tensor((1, 4, 4, 3)), tiny.tensor((1, 5 - side, 5 - side, 3))
    options = {**convolution(1, VALID), "filterHeight": side, "filterWidth": side}
    tiny.step("AVERAGE_POOL_2D", [source], result, Pool2D=options)
    return bytes(tiny.content([source], [result]))


def test_an_average_over_the_whole_picture(tiny: Any) -> None:
    agree(average_pool(tiny, 4), noise(1, 4, 4, 3))


def test_an_average_over_windows_is_refused(tiny: Any) -> None:
    with pytest.raises(Misconfigured, match="averages over windows"):
        converted(average_pool(tiny, 2), [noise(1, 4, 4, 3)])


@pytest.mark.parametrize("axes", [(1, 2), (2, 1)])
def test_a_mean_over_rows_and_columns(tiny: Any, axes: tuple[int, ...]) -> None:
    source, result = tiny.tensor((1, 4, 5, 3)), tiny.tensor((1, 1, 1, 3))
    tiny.step("MEAN", [source, tiny.constant(np.array(axes, np.int32))], result, Reducer={"keepDims": True})
    agree(tiny.content([source], [result]), noise(1, 4, 5, 3))


def test_a_mean_over_other_axes_is_refused(tiny: Any) -> None:
    source, result = tiny.tensor((1, 4, 5, 3)), tiny.tensor((1, 1, 5, 3))
    tiny.step("MEAN", [source, tiny.constant(np.array([1], np.int32))], result, Reducer={"keepDims": True})
    with pytest.raises(Misconfigured, match="other axes"):
        converted(tiny.content([source], [result]), [noise(1, 4, 5, 3)])


def transposed(tiny: Any, side: int, kernel: NDArray[np.float32], bias: NDArray[np.float32]) -> bytes:
    """MediaPipe's operator, by windows of `side` pixels two pixels apart."""
    source, result = tiny.tensor((1, 3, 4, 5)), tiny.tensor((1, 6, 8, 2))
    weights = [tiny.constant(kernel), tiny.constant(bias)]
    tiny.custom("Convolution2DTransposeBias", [source, *weights], result, np.array([1, 2, 2], "<i4"))
    assert kernel.shape == (2, side, side, 5)
    return bytes(tiny.content([source], [result]))


def test_a_transposed_convolution_writes_a_window_for_every_pixel(tiny: Any) -> None:
    """The reference runtime does not have it: against its definition."""
    picture, kernel, bias = noise(1, 3, 4, 5), noise(2, 2, 2, 5), noise(2)
    expected = np.zeros((1, 6, 8, 2), np.float32)
    for row, column in np.ndindex(3, 4):
        window = np.einsum("ohwi,i->hwo", kernel, picture[0, row, column]) + bias
        expected[0, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2] = window
    found = converted(transposed(tiny, 2, kernel, bias), [picture])
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_a_transposed_convolution_whose_windows_overlap_is_refused(tiny: Any) -> None:
    with pytest.raises(Misconfigured, match="windows overlap"):
        converted(transposed(tiny, 3, noise(2, 3, 3, 5), noise(2)), [noise(1, 3, 4, 5)])


def test_an_unknown_operator_is_named(tiny: Any) -> None:
    source, result = tiny.tensor((1, 4)), tiny.tensor((1, 4))
    tiny.step("COS", [source], result)
    with pytest.raises(Misconfigured, match="operator COS"):
        converted(tiny.content([source], [result]), [noise(1, 4)])


def test_an_unknown_activation_is_refused(tiny: Any) -> None:
    one, other, result = (tiny.tensor((1, 4, 4, 3)) for _ in range(3))
    tiny.step("ADD", [one, other], result, Add={"fusedActivationFunction": 3})
    with pytest.raises(Misconfigured, match="activation 3"):
        converted(tiny.content([one, other], [result]), [noise(1, 4, 4, 3), noise(1, 4, 4, 3)])
