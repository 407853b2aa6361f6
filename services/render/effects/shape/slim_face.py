"""Slim face: draws cheeks and jaw inwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.render.narrowing import narrowed_jaw

if TYPE_CHECKING:
    from services.render.bumps import Bumps
    from services.render.shape import FaceShape

AMOUNT = 0.17
"""How far the jaw moves in at full strength, as a fraction of its distance from the middle of the face."""
RADIUS = 0.34
"""How far the pull reaches on both sides of the jaw line, in face scales."""
PROFILE: Final = (0.25, 0.6, 0.85, 1.0, 1.0, 1.0, 0.9, 0.7, 0.5)
"""Share of AMOUNT for each pair along the jaw lines: the cheek beside the ear and the tip of the chin hardly move."""


def slim_face(shape: FaceShape, value: float) -> Bumps:
    """Bumps along the jaw line that pull each point towards its opposite; a face in profile is pulled less."""
    return narrowed_jaw(shape, AMOUNT * value, profile=PROFILE, radius=RADIUS)
