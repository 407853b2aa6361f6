"""Saturation: a gain of chroma."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.render.region import Grid


MOST = 0.6
"""What the palest colours gain at 1."""


def saturation(chroma: Grid, value: float) -> Grid:
    """The gain of colours whose larger chroma is `chroma`, 0..1 of what a picture can hold.

    Below 0 all colours pale alike, down to grey. Above 0 pale ones gain up to 1 + MOST and strong ones less, so that
    none leaves the range: what would be cut there would change its hue.
    """
    if value <= 0:
        return 0 * chroma + (1 + value)
    gained = MOST * value
    return (1 + gained) / (1 + gained * chroma)
