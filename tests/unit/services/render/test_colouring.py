"""The colour settings of looks on whole frames."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from services.render import colouring as colouring_module
from services.render.colouring import Colouring
from services.render.region import Scratch
from shared.model.effects import Grade
from shared.model.looks import Look
from shared.model.pictures import Picture, PixelFormat
from tests.unit.services.render.pictures import HOST_LAYOUTS, change, same

if TYPE_CHECKING:
    from collections.abc import Callable

    FrameOf = Callable[..., Picture]

ASSET = "0" * 32
SETTINGS = ["brightness", "contrast", "saturation", "temperature"]


def a_look(name: str, value: float) -> Look:
    return Look(grade=Grade(asset=ASSET, amount=value)) if name == "grade" else Look(**{name: value})


@pytest.mark.parametrize("name", [*SETTINGS, "grade"])
def test_nothing_leaves_every_bit(name: str, frame_of: FrameOf, colourist: Any) -> None:
    picture = frame_of(131, 77)
    assert same(colourist.drawn(picture, a_look(name, 0.0)), picture)


@pytest.mark.parametrize(
    ("name", "sign"), [(name, sign) for name in SETTINGS for sign in (1, -1)] + [("grade", 1)], ids=str
)
def test_more_is_more_change(name: str, sign: int, frame_of: FrameOf, colourist: Any) -> None:
    picture = frame_of(131, 77)
    changes = [change(picture, colourist.drawn(picture, a_look(name, sign * s))) for s in (0.05, 0.25, 0.5, 0.75, 1)]
    assert changes[0] > 0
    assert changes == sorted(changes)


@pytest.mark.parametrize("name", [*SETTINGS, "grade"])
@pytest.mark.parametrize("value", [-1.0, 1.0])
def test_limited_range_is_kept_where_the_source_kept_it(name: str, value: float, gradient: Any, colourist: Any) -> None:
    picture = gradient()
    picture.planes[0][::3], picture.planes[0][1::3, ::2] = 235, 16
    picture.planes[1][::2], picture.planes[2][:, ::2] = 240, 16
    target = colourist.drawn(picture, a_look(name, abs(value) if name == "grade" else value))
    assert target.planes[0].min() >= 16
    assert target.planes[0].max() <= 235
    assert all(plane.min() >= 16 and plane.max() <= 240 for plane in target.planes[1:])


@pytest.mark.parametrize("name", [*SETTINGS, "grade"])
def test_a_gradient_does_not_band(name: str, gradient: Any, colourist: Any) -> None:
    """Four pixels a level: a step is at most what the steepest curve makes of one, and none is left out."""
    drawn = colourist.drawn(gradient(1024, 192), a_look(name, 1.0)).planes[0].astype(int)
    assert np.abs(np.diff(drawn, axis=1)).max() <= 4
    assert np.abs(np.diff(drawn, n=2, axis=0)).max() <= 3


def test_a_look_that_changes_is_drawn_anew_and_one_that_stays_is_not_made_ready_again(
    gradient: Any, colourist: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    colouring, scratch, made = Colouring(colourist.assets), Scratch(), []
    ready = colouring_module._ready
    monkeypatch.setattr(colouring_module, "_ready", lambda like, recipe: (made.append(recipe), ready(like, recipe))[1])
    for look in (Look(brightness=0.5), Look(brightness=0.5, smooth=0.3), a_look("grade", 0.5), a_look("grade", 0.5)):
        target = gradient()
        colouring.draw(target, look, scratch)
        assert same(target, colourist.drawn(gradient(), look))
    assert len(made) == 2 + 4


def test_frames_of_another_kind_are_drawn_by_their_own_numbers(
    frame_of: FrameOf, gradient: Any, colourist: Any
) -> None:
    colouring, scratch, look = Colouring(colourist.assets), Scratch(), Look(brightness=0.4, temperature=0.4)
    colouring.draw(gradient(), look, scratch)
    target = frame_of(130, 70)
    colouring.draw(target, look, scratch)
    assert same(target, colourist.drawn(frame_of(130, 70), look))


@pytest.mark.parametrize("layout", HOST_LAYOUTS)
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (2, 2), (17, 3)])
def test_the_smallest_pictures_are_drawn(
    size: tuple[int, int], layout: PixelFormat, gradient: Any, colourist: Any
) -> None:
    look = Look(brightness=0.4, saturation=0.5, temperature=0.4, grade=Grade(asset=ASSET))
    for one in (look, Look(brightness=0.4, saturation=0.5, temperature=0.4)):
        assert colourist.drawn(gradient(*size, layout), one).geometry.width == size[0]


def test_nothing_of_a_frames_size_is_allocated_once_it_is_under_way(real: Any, colourist: Any) -> None:
    looks = (Look(brightness=0.4, saturation=0.5, temperature=0.4), a_look("grade", 1.0))
    for look in looks:
        colouring, scratch, target = Colouring(colourist.assets), Scratch(), real.copy()
        colouring.draw(target, look, scratch)
        real.picture.copy_to(target)
        tracemalloc.start()
        colouring.draw(target, look, scratch)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < real.picture.geometry.size_bytes / 4
