"""The parts of a face by name: what an effect is written on, and which parts each layout of landmarks gives."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from shared.model.faces import Layout


class Part(StrEnum):
    """A ring, a line or single points in the picture's plane. "Right" is the person's own, as everywhere.

    Rings are closed and do not cross themselves; how many points a ring has depends on the layout. Lines and points
    have the same number and the same meaning in every layout that gives them, but where their docstring leaves it to
    the layout.
    """

    OVAL = "oval"
    """Ring along the jaw and up to the hairline. Above the brows it is a guess: colour tells hair from skin."""
    RIGHT_JAW = "right-jaw"
    LEFT_JAW = "left-jaw"
    """Lines of nine points from beside the ear down to beside the tip of the chin, opposite to each other in pairs."""
    CHIN = "chin"
    """One point: its tip on the middle line."""
    RIGHT_EYE = "right-eye"
    LEFT_EYE = "left-eye"
    """Rings along the lids."""
    RIGHT_UPPER_LID = "right-upper-lid"
    LEFT_UPPER_LID = "left-upper-lid"
    """Lines along the lashes from the outer to the inner corner; how many points is the layout's."""
    RIGHT_LID_SKIN = "right-lid-skin"
    LEFT_LID_SKIN = "left-lid-skin"
    """Rings around what lies between lashes and brow."""
    RIGHT_UNDER_EYE = "right-under-eye"
    LEFT_UNDER_EYE = "left-under-eye"
    """Rings around what lies between the lower lid and the cheek."""
    RIGHT_EYE_CENTRE = "right-eye-centre"
    LEFT_EYE_CENTRE = "left-eye-centre"
    """One point."""
    RIGHT_EYE_CORNERS = "right-eye-corners"
    LEFT_EYE_CORNERS = "left-eye-corners"
    """Two points: outer, inner."""
    RIGHT_BROW = "right-brow"
    LEFT_BROW = "left-brow"
    """Rings around the hairs."""
    NOSE_RIDGE = "nose-ridge"
    """Line of four points from between the eyes down to the tip."""
    NOSE_TIP = "nose-tip"
    """One point."""
    LIPS = "lips"
    """Ring along their outer edge; the mouth lies inside."""
    MOUTH = "mouth"
    """Ring along the inner edge of the lips; flat where the mouth is shut."""
    MOUTH_CORNERS = "mouth-corners"
    """Two points: right, left."""
    NOSE_WINGS = "nose-wings"
    """Two points: right, left; where the nose is widest."""
    RIGHT_FOLD = "right-fold"
    LEFT_FOLD = "left-fold"
    """Rings around the fold from the nose's wing to the corner of the mouth."""
    RIGHT_CHEEK = "right-cheek"
    LEFT_CHEEK = "left-cheek"
    """Rings around the apple of the cheek, rising towards the ear."""
    RIGHT_HOLLOW = "right-hollow"
    LEFT_HOLLOW = "left-hollow"
    """Rings around the hollow below the cheekbone, from the ear on."""
    RIGHT_CHEEK_TOP = "right-cheek-top"
    LEFT_CHEEK_TOP = "left-cheek-top"
    """Rings along the top of the cheekbone, which light falls on."""
    RIGHT_NOSE_SIDE = "right-nose-side"
    LEFT_NOSE_SIDE = "left-nose-side"
    """Lines down the flanks of the nose."""
    BROW_MIDDLE = "brow-middle"
    """Ring around the middle of the forehead, which light falls on."""
    CHEEKBONES = "cheekbones"
    """Two points on the outline: right, left; where the face is widest below the temples."""
    TEMPLES = "temples"
    """Two points on the outline: right, left; beside the brows."""
    HAIRLINE = "hairline"
    """Line of five points along the top of the oval, from the right."""
    MESH = "mesh"
    """All 468 points of the face mesh, x and y; the template of painted make-up and textures lies on them."""
    BARE_SKIN = "bare-skin"
    """Single points on cheeks, forehead and nose, where hair, lips and shadows are rare; how many is the layout's."""


_OF_FIVE: Final = frozenset(
    {
        *(Part.RIGHT_EYE_CENTRE, Part.LEFT_EYE_CENTRE, Part.RIGHT_EYE_CORNERS, Part.LEFT_EYE_CORNERS),
        *(Part.NOSE_TIP, Part.MOUTH_CORNERS),
    }
)

_OF_IBUG: Final = frozenset(Part) - {
    *(Part.MESH, Part.RIGHT_UNDER_EYE, Part.LEFT_UNDER_EYE, Part.RIGHT_FOLD, Part.LEFT_FOLD, Part.BROW_MIDDLE),
    *(Part.RIGHT_CHEEK, Part.LEFT_CHEEK, Part.RIGHT_HOLLOW, Part.LEFT_HOLLOW),
    *(Part.RIGHT_CHEEK_TOP, Part.LEFT_CHEEK_TOP, Part.RIGHT_NOSE_SIDE, Part.LEFT_NOSE_SIDE),
}

GIVEN: Final = {Layout.MESH: frozenset(Part), Layout.IBUG: _OF_IBUG, Layout.FIVE: _OF_FIVE}
"""The parts that each layout gives, measured or estimated well enough to draw by."""
