"""Encodes one picture as a still."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from PIL import Image

from shared.model.media import MediaKind
from shared.model.pictures import PixelFormat

if TYPE_CHECKING:
    from shared.model.media import StillFacts
    from shared.model.pictures import Picture

_SAVING: dict[MediaKind, dict[str, Any]] = {
    # 4:4:4: halved chroma would blur red lips and ears beyond the faces too, in parts that must stay as they were.
    MediaKind.JPEG: {"format": "JPEG", "quality": 92, "subsampling": 0},
    MediaKind.PNG: {"format": "PNG", "compress_level": 1},
    MediaKind.WEBP: {"format": "WEBP", "quality": 92, "method": 2},
}
"""PNG's level 1 and WebP's method 2 take a fraction of the default's time for files a little larger."""


def encode_still(picture: Picture, facts: StillFacts, kind: MediaKind) -> bytes:
    """The file of a picture (rgb24) as JPEG, PNG or WebP, with the EXIF and colour profile of the facts.

    Raises ValueError for another layout or kind, and for alpha in JPEG.
    """
    if picture.geometry.format is not PixelFormat.RGB24:
        raise ValueError(f"stills are encoded from rgb24, not from {picture.geometry.format}")
    if kind not in _SAVING:
        raise ValueError(f"{kind} is no kind of still")
    if picture.alpha is not None and not kind.keeps_alpha:
        raise ValueError(f"{kind} cannot hold alpha")
    options = dict(_SAVING[kind])
    if facts.exif:
        options["exif"] = facts.exif
    if facts.icc_profile:
        options["icc_profile"] = facts.icc_profile
    file = io.BytesIO()
    image = Image.fromarray(picture.planes[0])
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(picture.alpha))
    image.save(file, **options)
    return file.getvalue()
