"""Draws both sides of a face towards each other: what most shapes of a lower face are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.render.bumps import Bumps
from shared.model.parts import Part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.render.bumps import Vectors
    from services.render.shape import FaceShape


def narrowed_jaw(shape: FaceShape, amount: float, *, profile: Sequence[float], radius: float) -> Bumps:
    """`narrowed` of the two jaw lines, from the ear to the chin."""
    sides = (shape.part(Part.RIGHT_JAW), shape.part(Part.LEFT_JAW))
    return narrowed(shape, sides, amount, profile=profile, radius=radius)


def narrowed(
    shape: FaceShape, sides: tuple[Vectors, Vectors], amount: float, *, profile: Sequence[float], radius: float
) -> Bumps:
    """Bumps along two lines [n, 2], right and left, that pull each point towards its opposite.

    amount: of half the way; profile: shares [n] of it along the lines; radius: how far a pull reaches, in face scales.
    On a face in profile the way is short, and the pull weak.
    """
    return Bumps.closing(*sides, np.float32(amount) * np.array(profile, np.float32), radius * shape.scale_px)
