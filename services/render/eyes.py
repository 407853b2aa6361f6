"""The two eyes by name, so that what is drawn on one eye is written once."""

from __future__ import annotations

from typing import Final, NamedTuple

from shared.model.parts import Part


class Eye(NamedTuple):
    """The parts of a face that belong to one eye."""

    ring: Part
    centre: Part
    corners: Part
    brow: Part


EYES: Final = (
    Eye(Part.RIGHT_EYE, Part.RIGHT_EYE_CENTRE, Part.RIGHT_EYE_CORNERS, Part.RIGHT_BROW),
    Eye(Part.LEFT_EYE, Part.LEFT_EYE_CENTRE, Part.LEFT_EYE_CORNERS, Part.LEFT_BROW),
)
