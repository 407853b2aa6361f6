"""One head's region of a picture, for what is to be shown there instead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.model.colours import yuv_of_rgb
from shared.model.parameters import rgb_of
from shared.model.pictures import PixelFormat

if TYPE_CHECKING:
    from services.render.head import Head
    from services.render.region import Plane, Region
    from shared.model.parameters import Colour as Hex
    from shared.model.pictures import Colour, Picture


@dataclass(frozen=True, slots=True)
class Veil:
    """Samples as the picture stores them, so that nothing is lost or left by turning them into others.

    A privacy effect gives, for each of `planes`, what is shown instead: uint8 of the same shape.
    """

    head: Head
    region: Region
    planes: tuple[Plane, ...]
    """The region's samples: Y, Cb and Cr [rows, columns], or RGB [rows, columns, 3], as views; or RGB times alpha, and
    alpha [rows, columns]."""
    subsamplings: tuple[int, ...]
    """Of each plane, in both directions: 1 or 2."""
    colour: Colour
    """What the samples mean."""

    @classmethod
    def over(cls, picture: Picture, head: Head, region: Region) -> Veil:
        """Over a picture of any format that has no alpha."""
        subsamplings = (1, 2, 2) if picture.geometry.format is PixelFormat.I420 else (1,)
        pairs = zip(picture.planes, subsamplings, strict=True)
        return cls(head, region, tuple(region.cut(*pair) for pair in pairs), subsamplings, picture.colour)

    def levels(self, colour: Hex) -> tuple[tuple[int, ...], ...]:
        """What each plane's samples are where the picture shows a colour; pure red has 255.5 of full range."""
        if self.planes[0].ndim == 3:
            return (rgb_of(colour), (255,))[: len(self.planes)]
        return tuple((level,) for level in levels_of(colour, self.colour))


def levels_of(shown: Hex, colour: Colour) -> tuple[int, ...]:
    """Y, Cb and Cr as stored of a colour; colour: what samples mean."""
    return tuple(min(255, round(level)) for level in (yuv_of_rgb(colour) @ (*rgb_of(shown), 1)).tolist())
