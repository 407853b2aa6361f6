"""Reads a hostile JPEG, PNG or WebP: header first, then its samples, upright and as RGB, into the plane it is given."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from services.ingest.admission import admit_still, check_still_size
from services.ingest.pictures.exif import exif_of, orientation_of, reset_orientation
from shared.model.errors import Rejected
from shared.model.media import MediaKind, StillFacts
from shared.model.pictures import Geometry, PixelFormat

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from services.ingest.limits import IngestLimits
    from shared.model.pictures import Picture

_READERS = {MediaKind.JPEG: "JPEG", MediaKind.PNG: "PNG", MediaKind.WEBP: "WEBP"}
_BAND_ROWS = 256
"""Rows converted at once, so that a large picture lies in memory once and not three times."""
BROKEN = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, struct.error, zlib.error)
"""What Pillow raises for bytes that are not what they say; MemoryError is none of it."""
_MOST_ICC = 4 << 20
"""No real colour profile comes near it."""


class StillPicture:
    """A still picture whose header has been read: its facts, and its samples on demand."""

    def __init__(self, data: bytes, limits: IngestLimits) -> None:
        """Read the header of `data` and check it against `limits`.

        Raises Rejected (`unsupported-media`, `too-large`, `too-small`, `damaged-media`).
        """
        kind = admit_still(data, limits)
        Image.MAX_IMAGE_PIXELS = None  # our own limit is checked below, before a sample is decoded
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Pillow warns of broken EXIF, which is not used then
                self._image: Image.Image = Image.open(io.BytesIO(data), formats=[_READERS[kind]])
                check_still_size(*self._image.size, limits)
                exif = exif_of(self._image)
        except BROKEN as error:
            raise _damaged(kind) from error
        self._turn = orientation_of(exif)
        width, height = self._turn.size(*self._image.size)
        self.facts = StillFacts(
            geometry=Geometry(PixelFormat.RGB24, width, height),
            kind=kind,
            exif=reset_orientation(exif),
            icc_profile=_profile_of(self._image),
        )

    def write_into(self, picture: Picture) -> None:
        """Decode and copy the samples, upright, into `picture`; transparency is laid on white.

        Raises Rejected (`damaged-media`) for a picture that is cut off or broken.
        """
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Pillow warns of what it repairs
                self._image.load()
                target = self._turn.as_stored(picture.planes[0])
                for top in range(0, self._image.height, _BAND_ROWS):
                    band = self._image.crop((0, top, self._image.width, min(top + _BAND_ROWS, self._image.height)))
                    target[top : top + band.height] = _rgb(band)
        except BROKEN as error:
            raise _damaged(self.facts.kind) from error


def _rgb(band: Image.Image) -> NDArray[np.uint8]:
    if band.mode.startswith("I"):
        gray = np.clip(np.asarray(band, np.float32) / 257.0 + 0.5, 0, 255).astype(np.uint8)
        return np.repeat(gray[..., None], 3, axis=2)
    if band.has_transparency_data:
        seen = band.convert("RGBA")
        white = Image.new("RGBA", seen.size, "white")
        return np.asarray(Image.alpha_composite(white, seen).convert("RGB"))
    return np.asarray(band.convert("RGB"))


def _damaged(kind: MediaKind) -> Rejected:
    return Rejected("damaged-media", f"The picture is cut off or damaged: it cannot be read as {kind}.")


def _profile_of(image: Image.Image) -> bytes:
    """The colour profile, unless it speaks of samples (gray, CMYK) that are RGB from now on."""
    profile = image.info.get("icc_profile") or b""
    fits = len(profile) <= _MOST_ICC and profile[16:20] == b"RGB "
    return bytes(profile) if fits else b""
