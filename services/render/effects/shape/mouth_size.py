"""Mouth size: makes the mouth larger, or smaller below 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.render.bumps import Bumps
from shared.model.parts import Part

if TYPE_CHECKING:
    from services.render.shape import FaceShape

ZOOM = 0.26
"""Taken off the distance from the mouth's centre at full strength."""
RADIUS = 0.95
"""How far the change reaches, in widths of the mouth, along and across."""


def mouth_size(shape: FaceShape, value: float) -> Bumps:
    """One magnifier; it is no smaller than a frontal mouth would want on a head that is turned."""
    corners = shape.part(Part.MOUTH_CORNERS)
    width = max(float(np.linalg.norm(corners[1] - corners[0])), 0.25 * shape.scale_px)
    radius = np.array([RADIUS * width], np.float32)
    return Bumps.zooming(corners.mean(axis=0, keepdims=True), radius, np.array([-ZOOM * value], np.float32))
