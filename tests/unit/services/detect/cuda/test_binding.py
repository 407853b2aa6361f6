"""Models that are fed from a card's memory; where it is emulated that is the host's, and so is the provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from onnx import helper

from services.detect.cuda.binding import Outputs
from services.detect.cuda.pictures import CardPixels
from services.detect.engine import Engine
from services.detect.models.emitting import FLOAT, UINT8, Emitter
from services.detect.models.store import sha256_of
from shared.model.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from services.detect.engine import Provider
    from shared.cuda.device import Device

IMAGES: Any = np.random.default_rng(1).integers(0, 256, (3, 4, 6, 3), np.uint8)


def summing() -> bytes:
    """Of each picture the sum, and the sums by row and channel, doubled."""
    e = Emitter()
    numbers = e.node("Cast", "image", to=FLOAT)
    e.node("ReduceSum", numbers, e.integers(1, 2, 3), name="sums", keepdims=0)
    e.node("Mul", e.node("ReduceSum", numbers, e.integers(2), keepdims=0), e.floats(2), name="rows")
    image = helper.make_tensor_value_info("image", UINT8, ["n", "height", "width", 3])
    shapes: dict[str, list[str | int]] = {"sums": ["n"], "rows": ["n", "height", 3]}
    return e.model("summing", [image], [helper.make_tensor_value_info(n, FLOAT, s) for n, s in shapes.items()])


@pytest.fixture
def made(tmp_path: Path, device: Device, providers: tuple[Provider, ...]) -> Callable[[bytes], Engine]:
    """From a model's file to what runs it on the device."""

    def make(content: bytes) -> Engine:
        path = tmp_path / "summing.onnx"
        path.write_bytes(content)
        return Engine(path, sha256_of(content), 1, providers, devices=[device])

    return make


@pytest.fixture
def engine(made: Callable[[bytes], Engine]) -> Engine:
    return made(summing())


def pixels(device: Device, images: NDArray[np.uint8] = IMAGES) -> CardPixels:
    return CardPixels(device, device.upload(images))


def expected(images: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
    numbers = images.astype(np.float32)
    return {"sums": numbers.sum(axis=(1, 2, 3)), "rows": numbers.sum(axis=2) * 2}


def same(one: dict[str, NDArray[Any]], other: dict[str, NDArray[Any]]) -> bool:
    return one.keys() == other.keys() and all(np.allclose(one[name], other[name], rtol=1e-6) for name in one)


def test_pixels_on_a_card_are_read_where_they_lie(engine: Engine, device: Device) -> None:
    assert engine.is_on(device)
    assert same(engine.run(image=pixels(device)), expected(IMAGES))
    assert same(engine.run(image=IMAGES), expected(IMAGES))


def test_pixels_of_a_device_that_the_model_is_not_open_on_are_fetched(engine: Engine, device: Device) -> None:
    other = type(device)()
    assert not engine.is_on(other)
    assert same(engine.run(image=pixels(other)), expected(IMAGES))


def test_what_a_model_gives_can_stay_on_the_card(engine: Engine, device: Device) -> None:
    given = engine.run_into(pixels(device), sums=(3,), rows=(3, 4, 3))
    assert np.allclose(device.download(given["sums"]), expected(IMAGES)["sums"])
    assert same(given.downloaded(), expected(IMAGES))


def test_a_run_that_was_recorded_gives_what_any_other_gives(engine: Engine, device: Device) -> None:
    engine.hold(IMAGES.shape, sums=(3,), rows=(3, 4, 3))
    for images in (IMAGES, IMAGES[::-1].copy(), np.zeros_like(IMAGES)):
        assert same(engine.run_into(pixels(device, images), sums=(3,), rows=(3, 4, 3)).downloaded(), expected(images))
    fewer = IMAGES[:2]
    assert same(engine.run_into(pixels(device, fewer), sums=(2,), rows=(2, 4, 3)).downloaded(), expected(fewer))
    assert same(engine.run(image=pixels(device)), expected(IMAGES))


def test_a_run_that_does_less_when_it_is_played_is_not_played(engine: Engine, device: Device, monkeypatch: Any) -> None:
    monkeypatch.setattr(device, "recorded", lambda _: lambda: None)
    engine.hold(IMAGES.shape, sums=(3,), rows=(3, 4, 3))
    monkeypatch.undo()
    assert same(engine.run_into(pixels(device), sums=(3,), rows=(3, 4, 3)).downloaded(), expected(IMAGES))


def test_a_warm_model_was_run_on_its_devices_too(engine: Engine, device: Device) -> None:
    engine.warm_up({"image": IMAGES.shape})
    assert same(engine.run(image=pixels(device)), expected(IMAGES))


def test_a_shape_that_cannot_be_run_is_said(made: Callable[[bytes], Engine]) -> None:
    e = Emitter()
    e.node("Reshape", e.node("Cast", "image", to=FLOAT), e.integers(2), name="pair")
    image = helper.make_tensor_value_info("image", UINT8, ["n", "height", "width", 3])
    pair = helper.make_tensor_value_info("pair", FLOAT, [2])
    with pytest.raises(Misconfigured, match="cannot run the model summing"):
        made(e.model("pair", [image], [pair])).hold((1, 4, 4, 3), pair=(2,))


def test_outputs_lie_one_behind_the_other(device: Device) -> None:
    types = {"a": np.dtype(np.uint8), "b": np.dtype(np.float32)}
    outputs = Outputs.of(device, {"a": (3, 5), "b": (2, 2)}, types)
    device.copy(device.upload(np.full((2, 2), 1.5, np.float32)), outputs["b"])
    device.copy(device.upload(np.full((3, 5), 7, np.uint8)), outputs["a"])
    host = outputs.downloaded()
    assert (host["a"] == 7).all()
    assert (host["b"] == 1.5).all()
    assert device.address(outputs["b"]) - device.address(outputs["a"]) == 256
