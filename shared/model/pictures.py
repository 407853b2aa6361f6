"""A picture as its planes lie in memory, and what its numbers mean."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Plane = NDArray[np.uint8]


class PixelFormat(StrEnum):
    """How samples are laid out. Field words: 4:2:0 has a quarter of the chroma samples."""

    I420 = "i420"  # 4:2:0, three planes: Y, Cb, Cr
    RGB24 = "rgb24"  # 4:4:4, one packed plane: R, G, B
    NV12 = "nv12"  # 4:2:0, two planes: Y, and Cb and Cr in turn; what the decoders of NVIDIA's cards give


class Matrix(StrEnum):
    """Which luma coefficients turn YCbCr into RGB (ITU-R BT.601, BT.709, BT.2020)."""

    BT601 = "bt601"
    BT709 = "bt709"
    BT2020 = "bt2020"


class Colour(msgspec.Struct, frozen=True):
    """What the numbers of a picture mean."""

    matrix: Matrix = Matrix.BT601
    """Luma coefficients; of no meaning for rgb24."""
    full_range: bool = False
    """True: 0..255 ("JPEG" range); False: 16..235 luma, 16..240 chroma ("MPEG" range)."""


class Geometry(msgspec.Struct, frozen=True):
    """Size and layout of an upright picture."""

    format: PixelFormat
    width: int
    """Pixels, 1 or more."""
    height: int
    """Pixels, 1 or more."""

    @property
    def plane_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes (rows, columns[, channels]) of the uint8 planes, in order, stored without padding."""
        if self.format is PixelFormat.RGB24:
            return ((self.height, self.width, 3),)
        chroma = ((self.height + 1) // 2, (self.width + 1) // 2)
        if self.format is PixelFormat.NV12:
            return ((self.height, self.width), (*chroma, 2))
        return ((self.height, self.width), chroma, chroma)

    @property
    def size_bytes(self) -> int:
        """Bytes of all planes together."""
        return sum(math.prod(shape) for shape in self.plane_shapes)

    def laid_out(self, layout: PixelFormat) -> Geometry:
        """The same size in that layout."""
        return msgspec.structs.replace(self, format=layout)


@dataclass(frozen=True, slots=True)
class Picture:
    """Planes in memory: uint8 views shaped as `geometry.plane_shapes`. Who holds it may write only what he leased."""

    geometry: Geometry
    colour: Colour
    planes: tuple[Plane, ...]
    alpha: Plane | None = None
    """Opacity, uint8 [rows, columns]: 0 is not there, 255 hides what is behind it; None: all of it is opaque."""

    @classmethod
    def over(cls, geometry: Geometry, colour: Colour, memory: memoryview | bytearray | bytes | Plane) -> Picture:
        """Views over `memory` (at least `geometry.size_bytes` bytes, contiguous), without a copy."""
        flat = np.frombuffer(memory, np.uint8, geometry.size_bytes)
        return cls(geometry, colour, planes_in(flat, geometry))

    @classmethod
    def blank(cls, geometry: Geometry, colour: Colour) -> Picture:
        """A picture in new memory of its own, contents undefined."""
        return cls.over(geometry, colour, np.empty(geometry.size_bytes, np.uint8))

    def copy_to(self, target: Picture) -> None:
        """Copy every sample into `target`, which has the same geometry."""
        for source_plane, target_plane in zip(self.planes, target.planes, strict=True):
            np.copyto(target_plane, source_plane)

    def __repr__(self) -> str:
        g = self.geometry
        return f"<Picture {g.format} {g.width}x{g.height} {self.colour.matrix}>"


def planes_in(flat: Any, geometry: Geometry) -> tuple[Any, ...]:
    """The planes that lie one after the other in an array of bytes, on the host or on a card, as views of it."""
    planes, start = [], 0
    for shape in geometry.plane_shapes:
        size = math.prod(shape)
        planes.append(flat[start : start + size].reshape(shape))
        start += size
    return tuple(planes)
