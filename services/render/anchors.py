"""Named points of a face that stickers are fixed to, from what every layout of landmarks marks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from shared.model.parts import Part

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from services.render.pose import HeadView
    from services.render.shape import FaceShape
    from shared.model.effects import Anchor

    Point = NDArray[np.float32]

FACE_WIDTH: Final = 1.5
"""Of the mean head, between the cheekbones (1.46) and beside the ears (1.56), in its unit (`services.render.pose`)."""
OUTLINE: Final = (0.74, 0.86)
OUTLINE_MIDDLE: Final = (0.0, 0.3, 0.3)
"""Half width, half height and middle, from between the eyes, of a face's oval on the mean head, for layouts without."""


class Place(NamedTuple):
    """A point of a face: a mixture of points that are marked, and a way from there on the mean head."""

    of: tuple[tuple[Part, int, float], ...]
    """Part, which of its points, and weight; weights add up to 1."""
    way: tuple[float, float, float]
    """To the left of the face, down, and away from the camera."""


_RIGHT, _LEFT = (Part.RIGHT_EYE_CENTRE, 0), (Part.LEFT_EYE_CENTRE, 0)
_CORNERS = ((Part.MOUTH_CORNERS, 0), (Part.MOUTH_CORNERS, 1))
_EYES: Final = ((*_RIGHT, 0.5), (*_LEFT, 0.5))
_MOUTH: Final = ((*_CORNERS[0], 0.5), (*_CORNERS[1], 0.5))

PLACES: Final[dict[Anchor, Place]] = {
    "head": Place(_EYES, (0.0, -1.0, 0.5)),
    "forehead": Place(_EYES, (0.0, -0.4, -0.22)),
    "right-eye": Place(((*_RIGHT, 1.0),), (0.0, 0.0, -0.08)),
    "left-eye": Place(((*_LEFT, 1.0),), (0.0, 0.0, -0.08)),
    "eyes": Place(_EYES, (0.0, 0.0, -0.12)),
    "nose": Place(((Part.NOSE_TIP, 0, 1.0),), (0.0, 0.0, 0.0)),
    "right-cheek": Place(((*_RIGHT, 0.45), (*_CORNERS[0], 0.55)), (-0.1, 0.0, -0.05)),
    "left-cheek": Place(((*_LEFT, 0.45), (*_CORNERS[1], 0.55)), (0.1, 0.0, -0.05)),
    "mouth": Place(_MOUTH, (0.0, 0.03, -0.16)),
    "chin": Place(_MOUTH, (0.0, 0.48, 0.02)),
}
"""Ways are read off the face template and, for the top of the head, which no landmark marks, off portraits."""

MEASURED: Final[dict[Anchor, Place]] = {"chin": Place(((Part.CHIN, 0, 1.0),), (0.0, -0.06, -0.03))}
"""The same where the layout marks the chin, which goes down as the mouth opens."""


def anchor_px(shape: FaceShape, view: HeadView, anchor: Anchor) -> Point:
    """[2] x, y in the picture."""
    place = MEASURED[anchor] if anchor in MEASURED and Part.CHIN in shape.topology.places else PLACES[anchor]
    marked = sum(shape.part(part)[which] * np.float32(weight) for part, which, weight in place.of)
    return np.asarray(marked + view.offset_px(place.way), np.float32)


def outline_px(shape: FaceShape, view: HeadView) -> Point:
    """[n, 2]: a ring around the face for layouts that give no oval: the mean head's, as it stands."""
    half_width, half_height = OUTLINE
    marked = anchor_px(shape, view, "eyes") - view.offset_px(PLACES["eyes"].way)
    middle = marked + view.offset_px(OUTLINE_MIDDLE)
    around = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    ways = ((half_width * x, half_height * y, 0.0) for x, y in zip(np.cos(around), np.sin(around), strict=True))
    return np.stack([middle + view.offset_px(way) for way in ways])
