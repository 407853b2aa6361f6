"""Slim face: draws cheeks and jaw inwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from services.render.warp import Bumps
from shared.model.parts import Part

if TYPE_CHECKING:
    from services.render.shape import FaceShape
    from services.render.warp import Vectors

AMOUNT = 0.17
"""How far the jaw moves in at full strength, as a fraction of its distance from the middle of the face."""
RADIUS = 0.34
"""How far the pull reaches on both sides of the jaw line, in face scales."""
PROFILE: Final = (0.25, 0.6, 0.85, 1.0, 1.0, 1.0, 0.9, 0.7, 0.5)
"""Share of AMOUNT for each pair along the jaw lines: the cheek beside the ear and the tip of the chin hardly move."""
LINE_INTEGRAL = 16 / 15
"""Of the bumps' weight along a straight line through a centre, in radii."""


def slim_face(shape: FaceShape, value: float) -> Bumps:
    """Bumps along the jaw line that pull each point towards its opposite; a face in profile is pulled less.

    Each bump counts for the stretch of jaw line that it stands for, so that their sum is even along the line.
    """
    right, left = shape.part(Part.RIGHT_JAW), shape.part(Part.LEFT_JAW)
    towards_left = (left - right) / 2 * (np.float32(AMOUNT * value) * np.array(PROFILE, np.float32))[:, None]
    radius = RADIUS * shape.scale_px
    share = [_stretches(line)[:, None] / np.float32(radius * LINE_INTEGRAL) for line in (right, left)]
    return Bumps(
        centres_px=np.concatenate([right, left]),
        radii_px=np.full(2 * len(right), radius, np.float32),
        pulls_px=np.concatenate([-towards_left * share[0], towards_left * share[1]]),
        zooms=np.zeros(2 * len(right), np.float32),
    )


def _stretches(line: Vectors) -> Vectors:
    """[n] pixels: half the way to both neighbours of each point of a line [n, 2]."""
    steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
    return np.asarray((np.concatenate([steps[:1], steps]) + np.concatenate([steps, steps[-1:]])) / 2, np.float32)
