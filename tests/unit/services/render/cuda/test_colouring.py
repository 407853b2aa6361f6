"""Colours of frames on a card, beside the same frames by the CPU.

Both work in floating point and round once, so samples differ by one level at most; only a table in RGB has more steps
between, and there, too, by no more than one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from services.render.cuda import colouring as colouring_module
from services.render.cuda.colouring import CardColours
from shared.model.effects import Grade
from shared.model.errors import Rejected
from shared.model.looks import Look
from tests.cuda.likeness import fetched, most_apart, psnr, uploaded
from tests.unit.services.render.pictures import same
from tests.unit.services.render.test_development import LOOKS as DEVELOPED

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.cuda.device import Device
    from shared.model.pictures import Picture

ASSET = "0" * 32
GRADED = Look(brightness=0.2, saturation=0.5, temperature=-0.5, grade=Grade(asset=ASSET, amount=0.7))
LOOKS = [*DEVELOPED, Look(grade=Grade(asset=ASSET)), GRADED]
LEAST_DB = 60.0
"""What is asked of the card is 40; what it reaches is kept."""


def compared(device: Device, picture: Picture, look: Look, colourist: Any) -> None:
    expected, there = colourist.drawn(picture, look), uploaded(device, picture)
    CardColours(colourist.assets).draw(there, look, device)
    drawn = fetched(device, there)
    assert psnr(picture, expected, drawn) >= LEAST_DB
    assert most_apart(expected, drawn) <= 1


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("size", [(256, 192), (131, 77)])
def test_frames_come_out_as_by_the_cpu(
    look: Look, size: tuple[int, int], device: Device, video_of: Callable[..., Picture], colourist: Any
) -> None:
    compared(device, video_of(*size), look, colourist)


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (1, 4), (4, 1), (3, 3)])
def test_frames_of_a_few_pixels_too(size: tuple[int, int], device: Device, gradient: Any, colourist: Any) -> None:
    picture = gradient(*size)
    for look in LOOKS:
        expected, there = colourist.drawn(picture, look), uploaded(device, picture)
        CardColours(colourist.assets).draw(there, look, device)
        assert most_apart(expected, fetched(device, there)) <= 1


@pytest.mark.parametrize("look", LOOKS)
def test_real_frames_come_out_as_by_the_cpu(look: Look, device: Device, real: Any, colourist: Any) -> None:
    compared(device, real.picture, look, colourist)


def test_samples_beyond_the_nominal_range_come_no_farther(device: Device, gradient: Any, colourist: Any) -> None:
    picture = gradient()
    picture.planes[0][::5], picture.planes[0][2::5] = 3, 250
    picture.planes[1][::4], picture.planes[2][1::4] = 250, 5
    for look in LOOKS:
        compared(device, picture, look, colourist)


def test_no_strength_leaves_every_bit(device: Device, gradient: Any, colourist: Any) -> None:
    there = uploaded(device, gradient())
    CardColours(colourist.assets).draw(there, Look(smooth=1, grade=Grade(asset=ASSET, amount=0)), device)
    assert same(fetched(device, there), gradient())


def test_what_a_look_asks_for_is_made_ready_once(
    device: Device, gradient: Any, colourist: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Look] = []
    ready = colouring_module._ready
    monkeypatch.setattr(colouring_module, "_ready", lambda *given: made.append(given[0]) or ready(*given))
    colours = CardColours(colourist.assets)
    drawn = []
    for look in (GRADED, GRADED, LOOKS[0], GRADED):
        there = uploaded(device, gradient())
        colours.draw(there, look, device)
        drawn.append(fetched(device, there))
    assert len(made) == 3
    assert same(drawn[0], drawn[1])
    assert same(drawn[0], drawn[3])
    assert not same(drawn[0], drawn[2])


def test_a_table_that_is_missing_is_refused_before_anything_is_drawn(device: Device, gradient: Any) -> None:
    there = uploaded(device, gradient())
    with pytest.raises(Rejected, match="no asset"):
        CardColours({}).draw(there, GRADED, device)
    assert same(fetched(device, there), gradient())
