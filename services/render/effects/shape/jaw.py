"""Jaw: draws the corners of the jaw inwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.render.narrowing import narrowed_jaw

if TYPE_CHECKING:
    from services.render.bumps import Bumps
    from services.render.shape import FaceShape

AMOUNT = 0.17
"""How far the jaw line moves in at full strength, as a fraction of its distance from the middle of the face."""
RADIUS = 0.28
"""How far the pull reaches, in face scales."""
PROFILE: Final = (0.1, 0.5, 0.9, 1.0, 0.8, 0.45, 0.15, 0.0, 0.0)
"""Share of AMOUNT for each pair along the jaw lines, from the ear to the chin."""


def jaw(shape: FaceShape, value: float) -> Bumps:
    """Bumps along the jaw line that pull each point towards its opposite."""
    return narrowed_jaw(shape, AMOUNT * value, profile=PROFILE, radius=RADIUS)
