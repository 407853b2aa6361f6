"""Pictures compared, and made for looks to refer to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shared.model.assets import PreparedPicture

if TYPE_CHECKING:
    from shared.model.pictures import Picture


def same(one: Picture, other: Picture) -> bool:
    """True if they are equal bit by bit."""
    return all(np.array_equal(a, b) for a, b in zip(one.planes, other.planes, strict=True))


def change(one: Picture, other: Picture) -> int:
    """Levels from one to the other, of all samples together."""
    return sum(int(np.abs(a.astype(int) - b).sum()) for a, b in zip(one.planes, other.planes, strict=True))


def prepared(*frames: np.ndarray, lasts_ms: int = 0) -> PreparedPicture:
    """A picture of one frame [rows, columns, 4], or an animation of several; straight alpha."""
    height, width = frames[0].shape[:2]
    pixels = tuple(frame.tobytes() for frame in frames)
    return PreparedPicture(width=width, height=height, frames=pixels, durations_ms=(lasts_ms,) * len(frames))
