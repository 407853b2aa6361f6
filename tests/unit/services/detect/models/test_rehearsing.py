"""What becomes of models that cannot be run when they are tried before they are taken in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from onnx import helper

from services.detect.models.emitting import FLOAT, Emitter
from services.detect.models.registry import FAMILIES, Family, ModelEntry
from services.detect.models.rehearsing import rehearse
from services.detect.models.store import sha256_of
from shared.model.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Callable

SIDE_PX = 32


def landmarks(places: Callable[[Emitter, str], str]) -> bytes:
    """A prepared landmark model of 68 points that says what `places` makes of the mean of each crop [n, 1]."""
    e = Emitter()
    grey = e.node("ReduceMean", e.node("Cast", "image", to=FLOAT), e.integers(1, 2, 3), keepdims=0)
    mean = e.node("Unsqueeze", grey, e.integers(1))
    e.node("Reshape", e.node("Tile", places(e, mean), e.integers(1, 204)), e.integers(-1, 68, 3), name="landmarks")
    e.node("Clip", grey, e.scalar(0.0), e.scalar(1.0), name="presence")
    image = helper.make_tensor_value_info("image", 2, ["n", SIDE_PX, SIDE_PX, 3])
    shapes: dict[str, list[str | int | None]] = {"landmarks": ["n", 68, 3], "presence": ["n"]}
    ends = [helper.make_tensor_value_info(name, FLOAT, shape) for name, shape in shapes.items()]
    return e.model("mean", [image], ends)


def entry(content: bytes) -> ModelEntry:
    facts = {"family": Family.PFLD, "role": FAMILIES[Family.PFLD].role, "points": 68, "sizes_px": (SIDE_PX,)}
    return ModelEntry(name="mean", source="", licence="", file="mean.onnx", sha256=sha256_of(content), **facts)  # type: ignore[arg-type]  # values of many types by name


def test_a_model_that_runs_passes() -> None:
    content = landmarks(lambda _, mean: mean)
    rehearse(entry(content), content)


def test_a_model_that_fails_on_several_crops_is_refused() -> None:
    content = landmarks(lambda e, mean: e.node("Reshape", mean, e.integers(1, 1)))
    with pytest.raises(Misconfigured, match=r"The model mean cannot be run: .*Reshape"):
        rehearse(entry(content), content)


def test_a_model_that_gives_no_numbers_is_refused() -> None:
    content = landmarks(lambda e, mean: e.node("Div", mean, e.floats(0.0)))
    with pytest.raises(Misconfigured, match="not finite"):
        rehearse(entry(content), content)


def test_a_model_that_takes_more_memory_than_there_is_is_refused() -> None:
    def greedy(e: Emitter, mean: str) -> str:
        zeros = e.node("ConstantOfShape", e.integers(10, 1000, 1000, 1000))
        return e.node("Add", mean, e.node("ReduceSum", zeros, keepdims=0))

    content = landmarks(greedy)
    with pytest.raises(Misconfigured, match="cannot be run"):
        rehearse(entry(content), content)


def test_a_model_that_does_not_end_is_given_up() -> None:
    content = landmarks(lambda _, mean: mean)
    with pytest.raises(Misconfigured, match="did not end within 0 s"):
        rehearse(entry(content), content, seconds=0.01)
