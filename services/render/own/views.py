"""One face as an author's function sees it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from services.render.canvas import Canvas
from services.render.patch import read
from services.render.region import Region, Scratch, size_of
from services.render.skin import bare_skin
from services.render.toning import FACE
from shared.model.parts import GIVEN, Part
from visavis.effects import FaceView

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from services.render.shape import FaceShape
    from shared.model.pictures import Picture

    Points = NDArray[np.float32]

AROUND = 0.25
"""How much of the picture around the face is shown, in face scales."""
AROUND_POINTS = 0.75
"""The same around points that mark no outline."""


def region_of(shape: FaceShape, picture: Picture) -> Region | None:
    """What an effect may change of a picture; None where nothing of the face is in it."""
    outlined = Part.OVAL in GIVEN[shape.layout]
    points, around = (shape.part(Part.OVAL), AROUND) if outlined else (shape.points_px, AROUND_POINTS)
    return Region.around(points, around * shape.scale_px, shape.step(FACE.cells), size_of(picture))


class Views:
    """Views of one face, one for each effect. What they have in common is worked out once, and cannot be changed."""

    def __init__(self, picture: Picture, shape: FaceShape, region: Region, seconds: float) -> None:
        """picture: as it is before the first effect; it must not change as long as skin may be asked for."""
        corner = np.array((region.x0, region.y0, 0), np.float32)
        self._shape = shape
        self._seconds = seconds
        self._landmarks = _fixed(shape.landmarks_px - corner)
        self._parts = _Parts(shape, corner[:2])
        self._find_skin = cache(lambda: _skin(picture, shape, region))

    def of(self, pixels: NDArray[np.uint8]) -> FaceView:
        """A view whose `rgb` is a copy of the region's pixels [h, w, 3]."""
        return FaceView(
            rgb=pixels.copy(),
            landmarks=self._landmarks,
            layout=int(self._shape.layout),
            scale=self._shape.scale_px,
            track=self._shape.track,
            seconds=self._seconds,
            parts=self._parts,
            find_skin=self._find_skin,
        )


class _Parts(Mapping[str, "Points"]):
    """A face's parts by name, each looked up where it is asked for."""

    def __init__(self, shape: FaceShape, corner: Points) -> None:
        self._shape = shape
        self._corner = corner
        self._given = GIVEN[shape.layout]

    def __getitem__(self, name: str) -> Points:
        if name not in self._given:
            raise KeyError(_lacking(self._shape, name))
        return _fixed(self._shape.part(Part(name)) - self._corner)

    def __iter__(self) -> Iterator[str]:
        return (part.value for part in Part if part in self._given)

    def __len__(self) -> int:
        return len(self._given)


def _skin(picture: Picture, shape: FaceShape, region: Region) -> Points:
    for part in (Part.OVAL, Part.BARE_SKIN):
        if part not in GIVEN[shape.layout]:
            raise KeyError(f"skin: {_lacking(shape, part)}")
    skin = Canvas(shape, region, read(picture, region), bare_skin(picture, shape)).skin
    return _fixed(region.spread(skin.texture, 1, Scratch(), "skin"))


def _lacking(shape: FaceShape, name: str) -> str:
    """A part that no face has, or that faces of this layout lack."""
    if name not in set(Part):
        return f"there is no part {name!r} of a face; there are: {', '.join(Part)}"
    enough = tuple(int(layout) for layout in GIVEN if name in GIVEN[layout])
    return f"faces of {int(shape.layout)} points have no {name}; declare layouts={enough}"


def _fixed(array: Points) -> Points:
    array = np.ascontiguousarray(array, np.float32)
    array.flags.writeable = False
    return array
