"""The little of EXIF that matters here: the block as it is, and which way is up."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from services.ingest.upright import Orientation

if TYPE_CHECKING:
    from PIL import Image

_MOST_EXIF = 65_533
"""A JPEG segment holds no more."""
_PREFIX = b"Exif\x00\x00"
_ORIENTATION = 0x0112


def exif_of(image: Image.Image) -> bytes:
    """The EXIF block of an opened picture with its prefix; empty if there is none that fits."""
    exif = bytes(image.info.get("exif") or b"")
    if not exif or len(exif) > _MOST_EXIF:
        return b""
    return exif if exif.startswith(_PREFIX) else _PREFIX + exif


def orientation_of(exif: bytes) -> Orientation:
    """How the stored picture must be turned; upright where the block does not say it."""
    found = _orientation_at(exif)
    if found is None:
        return Orientation()
    at, order = found
    return Orientation.of_exif(int(struct.unpack_from(order + "H", exif, at)[0]))


def reset_orientation(exif: bytes) -> bytes:
    """The block of the same picture stored upright."""
    found = _orientation_at(exif)
    if found is None:
        return exif
    at, order = found
    return exif[:at] + struct.pack(order + "H", 1) + exif[at + 2 :]


def _orientation_at(exif: bytes) -> tuple[int, str] | None:
    """Where the orientation's value stands, and the byte order; None if there is none.

    TIFF 6.0, section 2: byte order, 42, offset of the first directory; 12 bytes an entry.
    """
    tiff = exif[len(_PREFIX) :]
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None or len(tiff) < 8:
        return None
    (start,) = struct.unpack_from(order + "I", tiff, 4)
    if start + 2 > len(tiff):
        return None
    (entries,) = struct.unpack_from(order + "H", tiff, start)
    for entry in range(start + 2, min(start + 2 + 12 * entries, len(tiff) - 11), 12):
        tag, field_type, count = struct.unpack_from(order + "HHI", tiff, entry)
        if (tag, field_type, count) == (_ORIENTATION, 3, 1):
            return len(_PREFIX) + entry + 8, order
    return None
