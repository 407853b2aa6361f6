"""Face cover: hides a head behind one colour."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

if TYPE_CHECKING:
    from services.render.region import Plane
    from services.render.veil import Veil
    from shared.model.effects import FaceCover

OPAQUE_FROM = 0.5
"""Amount from which on nothing shines through."""


def face_cover(veil: Veil, value: FaceCover) -> tuple[Plane, ...]:
    """The colour; below half the amount the head shines through."""
    covered = share_of(value)
    shown = []
    for plane, level in zip(veil.planes, veil.levels(value.color), strict=True):
        colour = cv2.resize(np.array([[level]], np.uint8), plane.shape[1::-1], interpolation=cv2.INTER_NEAREST)
        shown.append(colour if covered == 1 else cv2.addWeighted(plane, 1 - covered, colour, covered, 0))
    return cast("tuple[Plane, ...]", tuple(shown))


def share_of(value: FaceCover) -> float:
    """0..1: how much of what is shown is the colour."""
    return min(1.0, value.amount / OPAQUE_FROM)
