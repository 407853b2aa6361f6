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
    upper_lid: Part
    lid_skin: Part


EYES: Final = tuple(
    Eye(*(Part(f"{side}-{part}") for part in ("eye", "eye-centre", "eye-corners", "brow", "upper-lid", "lid-skin")))
    for side in ("right", "left")
)
