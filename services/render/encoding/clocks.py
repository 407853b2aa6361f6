"""Units of time: of MP4 tracks, and of sound beside pictures."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

COARSEST_SCALE: Final = 10_000
"""FFmpeg's MP4 muxer doubles time scales below this until they are not; done here, the movie's own scale can follow."""
AAC_FRAME: Final = 1024
"""Samples of a frame of AAC-LC (ISO/IEC 14496-3)."""


def exact_clock(time_base: tuple[int, int]) -> tuple[int, int]:
    """How many ticks one pts unit lasts, and how many ticks there are a second: exact, and fine enough for MP4."""
    unit = Fraction(*time_base)
    ticks, scale = unit.numerator, unit.denominator
    while scale < COARSEST_SCALE:
        ticks, scale = 2 * ticks, 2 * scale
    return ticks, scale


class SoundClock:
    """Times of coded sound, counted in samples.

    They come in units of the pictures' clock, which may be too coarse for them: as long as they follow one another to
    within half a frame, each begins where the last one ended.
    """

    def __init__(self, rate: int, time_base: tuple[int, int]) -> None:
        """rate: samples a second. time_base: of the pictures."""
        self._samples = Fraction(*time_base) * rate
        self._next: int | None = None

    def place(self, pts: int, duration: int) -> tuple[int, int]:
        """Where a frame of sound begins and how long it lasts, in samples; never before the end of the last one."""
        length = max(1, round(duration * self._samples / AAC_FRAME)) * AAC_FRAME
        start = round(pts * self._samples)
        if self._next is not None and start < self._next + length // 2:
            start = self._next
        self._next = start + length
        return start, length
