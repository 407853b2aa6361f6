"""Lower precision changes the body of a model, and little of what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from services.detect.models.emitting import FLOAT, Emitter
from services.detect.models.quantizing import to_fp16, to_int8

if TYPE_CHECKING:
    from numpy.typing import NDArray

random = np.random.default_rng(3)
SAMPLES = [{"image": random.normal(size=(1, 3, 8, 8)).astype(np.float32)} for _ in range(16)]


@pytest.fixture(scope="module")
def content() -> bytes:
    """Two convolutions and a sigmoid."""
    e = Emitter()
    kernels = [
        e.constant(random.normal(scale=0.2, size=shape).astype(np.float32)) for shape in ((16, 3, 3, 3), (4, 16, 1, 1))
    ]
    inner = e.node("Relu", e.node("Conv", "image", kernels[0], pads=(1, 1, 1, 1), kernel_shape=(3, 3)))
    e.node("Sigmoid", e.node("Conv", inner, kernels[1], kernel_shape=(1, 1)), name="sure")
    infos = [
        helper.make_tensor_value_info(*info) for info in (("image", FLOAT, [1, 3, 8, 8]), ("sure", FLOAT, [1, 4, 8, 8]))
    ]
    return e.model("tiny", infos[:1], infos[1:])


def result(content: bytes, sample: dict[str, NDArray[Any]]) -> NDArray[Any]:
    runtime: Any = onnxruntime
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, sample)[0])


def kinds(content: bytes, name: str = "") -> list[str]:
    return [node.op_type for node in onnx.load_from_string(content).graph.node if node.name.startswith(name)]


def weights(content: bytes) -> list[int]:
    return [weight.data_type for weight in onnx.load_from_string(content).graph.initializer if len(weight.dims) == 4]


def test_int8_says_nearly_the_same(content: bytes) -> None:
    found = to_int8(content, SAMPLES)
    assert 0 < np.abs(result(found, SAMPLES[0]) - result(content, SAMPLES[0])).max() < 0.05


def test_int8_keeps_the_last_convolution_as_it_is(content: bytes) -> None:
    found = to_int8(content, SAMPLES)
    assert sorted(weights(found)) == sorted([TensorProto.INT8, FLOAT])
    assert {"QuantizeLinear", "DequantizeLinear"} <= set(kinds(found))


def test_fp16_says_nearly_the_same_in_the_same_types(content: bytes) -> None:
    found = to_fp16(content)
    assert sorted(weights(found)) == sorted([TensorProto.FLOAT16, FLOAT])
    before, after = result(content, SAMPLES[0]), result(found, SAMPLES[0])
    assert after.dtype == before.dtype
    np.testing.assert_allclose(after, before, atol=0.01)


def test_the_same_samples_make_the_same_file(content: bytes) -> None:
    assert to_int8(content, SAMPLES) == to_int8(content, iter(SAMPLES))
