"""Grade: colours by a look-up table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from services.render.region import Grid
    from shared.model.assets import PreparedLut


def grade(rgb: Grid, lut: PreparedLut, amount: float) -> Grid:
    """[n, 3] R, G, B of 0..1 as the table has them, at `amount` over what they were.

    Between the table's entries a colour is interpolated by all eight around it (trilinear). Colours beyond its domain
    count as those at its border; what comes out beyond 0..1 is cut.
    """
    inside = np.clip(rgb, 0, 1)
    return np.clip(inside + (_looked_up(inside, lut) - inside) * np.float32(amount), 0, 1)


def _looked_up(rgb: Grid, lut: PreparedLut) -> Grid:
    size, low, high = lut.size, np.array(lut.domain_min, np.float32), np.array(lut.domain_max, np.float32)
    place = np.clip((rgb - low) * ((size - 1) / (high - low)), 0, size - 1).astype(np.float32)
    entry = np.minimum(place.astype(np.int32), size - 2)
    part = place - entry
    flat, first = lut.table.reshape(-1, 3), entry @ np.array((1, size, size * size), np.int32)
    lines = [_between(flat, first + size * (g + size * b), part[:, :1]) for b in (0, 1) for g in (0, 1)]
    dark, light = (one + (two - one) * part[:, 1:2] for one, two in (lines[:2], lines[2:]))
    return np.asarray(dark + (light - dark) * part[:, 2:])


def _between(flat: Grid, first: NDArray[np.int32], part: Grid) -> Grid:
    """Along red, whose entries lie side by side."""
    low = np.take(flat, first, axis=0)
    return low + (np.take(flat, first + 1, axis=0) - low) * part
