"""Sees as much as a detector can, for looks that hide faces: small ones, and those that the picture's edge cuts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from services.detect.batching import Glance
from services.detect.contracts import Detection
from services.detect.cuda.pictures import CardView
from services.detect.eyes import agree
from services.detect.regions import shared_part
from shared.model.pictures import Geometry, Picture

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from services.detect.batching import Search
    from services.detect.contracts import Detector, Shown
    from services.detect.regions import Box
    from shared.model.faces import Face

MIRRORED = 0.15
"""Width of the mirror along each edge, in shorter sides of the picture. Of a person who is half in the picture, whom
no net saw at any size, BlazeFace sees 63 in 63 frames with 0.15, 50 with 0.1 or 0.2; with black instead of the mirror
the best look gives half the score."""
WITHIN = 0.15
"""Least part of a box that lies in the picture; of mirror images it is nothing or nearly so."""


def watched(detector: Detector, picture: Shown) -> Search[list[Detection]]:
    """Comes to all faces that a detector sees at its most thorough, and where half a one is a whole in a mirror.

    A head that the edge cuts in half has but one eye and half a nose: what lies within `MIRRORED` of the edge is shown
    once more, mirrored, beyond it. Costs a detector's first search (`turn` 0) on a picture that is so much larger.
    """
    wide, margin_px = mirrored(picture)
    beyond = yield Glance(detector, wide, 0)
    seen = (_moved(one, -margin_px) for one in beyond)
    whole = (0.0, 0.0, float(picture.geometry.width), float(picture.geometry.height))
    return [one for one in seen if shared_part(one.box_px, whole) >= WITHIN]


def unclaimed(seen: Iterable[Detection], faces: Sequence[Face]) -> tuple[Box, ...]:
    """Boxes of what was seen and is none of the faces: too unlike one for a mesh, too many, too new, or elsewhere."""
    return tuple(one.box_px for one in seen if not any(agree(face, one) for face in faces))


def mirrored(picture: Shown) -> tuple[Shown, int]:
    """The picture with a mirror along its edges, and the mirror's width in pixels, even; on the host in new memory."""
    geometry = picture.geometry
    margin = round(MIRRORED / 2 * min(geometry.width, geometry.height)) * 2
    if isinstance(picture, CardView):
        return picture.mirrored(margin), margin
    chroma = margin // 2
    planes = tuple(
        np.asarray(cv2.copyMakeBorder(plane, side, side, side, side, cv2.BORDER_REFLECT), np.uint8)
        for plane, side in zip(picture.planes, (margin, chroma, chroma), strict=False)  # rgb24 has one plane
    )
    wide = Geometry(geometry.format, geometry.width + 2 * margin, geometry.height + 2 * margin)
    return Picture(wide, picture.colour, planes), margin


def _moved(seen: Detection, by_px: int) -> Detection:
    x0, y0, x1, y1 = seen.box_px
    points = (seen.keypoints_px + np.float32(by_px)).astype(np.float32)
    return Detection((x0 + by_px, y0 + by_px, x1 + by_px, y1 + by_px), points, seen.score)
