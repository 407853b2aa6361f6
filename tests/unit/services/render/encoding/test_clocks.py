from __future__ import annotations

import itertools
from fractions import Fraction

import pytest

from services.render.encoding.clocks import COARSEST_SCALE, SoundClock, exact_clock


@pytest.mark.parametrize("time_base", [(1, 90000), (1001, 30000), (1, 7), (1, 1), (1, 10**9)])
def test_a_clock_is_exact_and_fine_enough(time_base: tuple[int, int]) -> None:
    ticks, scale = exact_clock(time_base)
    assert Fraction(ticks, scale) == Fraction(*time_base)
    assert scale >= COARSEST_SCALE


@pytest.mark.parametrize("clock_hz", [1000, 90_000, 10**9])
@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_sound_follows_itself_without_a_gap_whatever_the_clock(clock_hz: int, rate: int) -> None:
    clock = SoundClock(rate, (1, clock_hz))
    placed = []
    for number in range(500):
        pts, end = (round(Fraction(1024 * n, rate) * clock_hz) for n in (number, number + 1))
        placed.append(clock.place(pts, end - pts))
    assert placed == [(1024 * number, 1024) for number in range(500)]


def test_sound_that_pauses_goes_on_at_its_time() -> None:
    clock = SoundClock(48_000, (1, 90_000))
    assert clock.place(0, 1920) == (0, 1024)
    assert clock.place(90_000, 1920) == (48_000, 1024)


def test_sound_never_goes_back() -> None:
    clock = SoundClock(48_000, (1, 90_000))
    starts = [clock.place(pts, 1920)[0] for pts in (9000, 9001, 0, 10_000)]
    assert all(b - a == 1024 for a, b in itertools.pairwise(starts))


def test_long_frames_are_told_by_their_duration() -> None:
    assert SoundClock(48_000, (1, 90_000)).place(0, 3840) == (0, 2048)
