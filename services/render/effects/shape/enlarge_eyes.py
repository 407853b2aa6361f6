"""Enlarge eyes: enlarges both eyes around their centres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.render.bumps import Bumps
from shared.model.parts import Part

if TYPE_CHECKING:
    from services.render.shape import FaceShape

ZOOM = 0.22
"""Taken off the distance from the eye's centre at full strength: the eye grows to 1 / (1 - ZOOM) of its size."""
RADIUS = 1.05
"""How far the enlargement reaches, in widths of the eye: to the brow, not to the other eye."""


def enlarge_eyes(shape: FaceShape, value: float) -> Bumps:
    """One magnifier over each eye, as wide as the eye is seen: smaller on the far side of a turned head."""
    centres = [shape.part(centre) for centre in (Part.RIGHT_EYE_CENTRE, Part.LEFT_EYE_CENTRE)]
    corners = [shape.part(pair) for pair in (Part.RIGHT_EYE_CORNERS, Part.LEFT_EYE_CORNERS)]
    widths = [max(1.0, float(np.linalg.norm(outer - inner))) for outer, inner in corners]
    return Bumps(
        centres_px=np.concatenate(centres),
        radii_px=np.array(widths, np.float32) * np.float32(RADIUS),
        pulls_px=np.zeros((2, 2), np.float32),
        zooms=np.full(2, -ZOOM * value, np.float32),
    )
