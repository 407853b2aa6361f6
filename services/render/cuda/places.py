"""Which parts of a face the kernels of tones are told of, and where a layout of landmarks has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from services.render.effects import EYE_EFFECTS, FACE_EFFECTS, MOUTH_EFFECTS
from services.render.effects.makeup.eyeliner import lash_line
from services.render.skin import FEATURES
from shared.model.parts import Part

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from services.render.eyes import Eye
    from services.render.shape import FaceShape
    from services.render.topology import Topology

EFFECTS: Final = (*FACE_EFFECTS, *EYE_EFFECTS, *MOUTH_EFFECTS)
"""By the numbers that kernels know them by."""
_RINGS: Final = {
    "dark_circles": (Part.RIGHT_UNDER_EYE, Part.LEFT_UNDER_EYE),
    "nasolabial": (Part.RIGHT_FOLD, Part.LEFT_FOLD),
    "contour": (
        *(Part.RIGHT_HOLLOW, Part.LEFT_HOLLOW, Part.RIGHT_CHEEK_TOP, Part.LEFT_CHEEK_TOP, Part.BROW_MIDDLE),
        *(Part.RIGHT_JAW, Part.LEFT_JAW, Part.RIGHT_NOSE_SIDE, Part.LEFT_NOSE_SIDE, Part.NOSE_RIDGE),
    ),
    "blush": (Part.RIGHT_CHEEK, Part.LEFT_CHEEK),
}
"""What effects of the whole face draw besides skin."""
_OF_EYE: Final = ("eye", "brow", "upper-lid", "lid-skin", "centre", "corners")
"""Of the eye that is drawn."""
PARTS: Final = (
    *(Part.OVAL, *FEATURES, *(part for parts in _RINGS.values() for part in parts), Part.MOUTH, Part.BARE_SKIN),
    *(*_OF_EYE, "lashes"),
)
"""Rings, lines and points by the numbers that kernels know them by."""


class Extent(NamedTuple):
    """What is drawn over one extent of a face."""

    effects: tuple[str, ...]
    eye: Eye | None
    """Which, where it is an eye's."""

    @property
    def is_face(self) -> bool:
        """True for what is drawn over the whole face; without effects, for what only asks where its skin is."""
        return self.eye is None and all(name in FACE_EFFECTS for name in self.effects)

    def parts(self) -> Iterator[tuple[str, Part]]:
        """Those that it is drawn by, but for the oval and the line of the lashes, and what kernels call them."""
        yield Part.BARE_SKIN, Part.BARE_SKIN
        if self.is_face:
            yield from ((part, part) for part in FEATURES)
            yield from ((part, part) for effect in self.effects for part in _RINGS.get(effect, ()))
        elif self.eye is None:
            yield from ((part, part) for part in (Part.LIPS, Part.MOUTH))
        else:
            yield from (("eye", self.eye.ring), ("brow", self.eye.brow))
            if "eyeshadow" in self.effects:
                yield from (("upper-lid", self.eye.upper_lid), ("lid-skin", self.eye.lid_skin))
            if "lenses" in self.effects:
                yield from (("centre", self.eye.centre), ("corners", self.eye.corners))


class Places:
    """Where a layout has the parts of an extent: most of them are found by one look-up for all.

    Every place but an oval's is a weighted sum of landmarks. What the weights are is asked of the layout, once.
    """

    def __init__(self, extent: Extent, topology: Topology, landmarks: int) -> None:
        """landmarks: how many the layout has."""
        self.extent = extent
        one_each = np.eye(landmarks, dtype=np.float32)
        weights = {name: topology.places[part](one_each) for name, part in extent.parts()}
        self._weights = np.concatenate(list(weights.values()))
        self._chosen: NDArray[np.intp] | None = None
        if (self._weights.max(axis=1) == 1).all() and (np.count_nonzero(self._weights, axis=1) == 1).all():
            self._chosen = self._weights.argmax(axis=1)
        self.counts: dict[str, int] = {name: len(some) for name, some in weights.items()}
        """How many points each part has, in their order."""
        if extent.is_face:
            self.counts[Part.OVAL] = len(topology.places[Part.OVAL](np.zeros((landmarks, 2), np.float32)))
        if "eyeliner" in extent.effects and extent.eye is not None:
            self.counts["lashes"] = 1 + len(topology.places[extent.eye.upper_lid](one_each))

    def points_px(self, shape: FaceShape) -> list[NDArray[np.float32]]:
        """[n, 2] each, all points of `counts` one after the other: in pixels of the picture."""
        landmarks, eye = shape.points_px, self.extent.eye
        found = [landmarks[self._chosen] if self._chosen is not None else self._weights @ landmarks]
        if self.extent.is_face:
            found.append(shape.part(Part.OVAL))
        if "lashes" in self.counts and eye is not None:
            found.append(lash_line(*(shape.part(part) for part in (eye.upper_lid, eye.corners, eye.brow))))
        return found
