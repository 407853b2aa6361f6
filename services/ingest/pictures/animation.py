"""Reads a hostile picture or animation: every frame whole, upright, as RGBA with straight alpha."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from services.ingest.pictures.exif import exif_of, orientation_of
from services.ingest.pictures.still import BROKEN
from shared.model.assets import MOST_DURATION_MS, MOST_SIDE, PreparedPicture
from shared.model.errors import Rejected
from shared.model.media import SNIFF_BYTES, MediaKind, sniff

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from services.ingest.limits import IngestLimits

_READERS = {MediaKind.JPEG: "JPEG", MediaKind.PNG: "PNG", MediaKind.WEBP: "WEBP", MediaKind.GIF: "GIF"}
_TOO_SHORT_MS, _INSTEAD_MS = 10, 100
"""Browsers show a frame of 10 ms or less for 100 ms, and animations are made for that (Chromium, Gecko, WebKit)."""
_GIF_END = b"\x3b"
_TAIL_BYTES = 16
"""Some writers pad a file after its end."""


def read_picture(data: bytes, limits: IngestLimits) -> PreparedPicture:
    """The picture or animation (APNG, GIF, WebP) in `data`; a colour profile is not applied.

    Raises Rejected (`unsupported-media`, `too-large`, `damaged-media`).
    """
    kind = sniff(data[:SNIFF_BYTES])
    if kind not in _READERS:
        raise Rejected("unsupported-media", "A picture of a look must be JPEG, PNG, WebP or GIF.")
    Image.MAX_IMAGE_PIXELS = limits.max_asset_pixels  # Pillow refuses twice that, where it must allocate at once
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of what it repairs
            _refuse_cut_off(data, kind)
            image = Image.open(io.BytesIO(data), formats=[_READERS[kind]])
            return _Frames(image, kind, limits).prepared()
    except Image.DecompressionBombError as error:
        most = limits.max_asset_pixels
        raise _too_large(f"The picture has more than the {most} pixels allowed (max_asset_pixels).") from error
    except BROKEN as error:
        raise _damaged(kind) from error


class _Frames:
    """The frames of an opened picture, within the limits."""

    def __init__(self, image: Image.Image, kind: MediaKind, limits: IngestLimits) -> None:
        self._image, self._limits = image, limits
        self._size = image.size
        self._check_size()
        self._turn = orientation_of(exif_of(image))
        self._first = 1 if getattr(image, "default_image", False) else 0
        """An APNG may begin with a picture for those who know no animations."""
        self._end = _claimed_end(image, kind)
        if self._end is not None and self._end - self._first > limits.max_asset_frames:
            raise self._too_many()

    def prepared(self) -> PreparedPicture:
        frames, durations = [], []
        for image in self._each():
            frames.append(self._turn.upright(_rgba(image)).tobytes())
            durations.append(_duration_ms(image))
        width, height = self._turn.size(*self._size)
        lasting = tuple(durations) if len(frames) > 1 else (0,)
        return PreparedPicture(width=width, height=height, frames=tuple(frames), durations_ms=lasting)

    def _each(self) -> Iterator[Image.Image]:
        """Each frame, laid over those before it as its file asks."""
        at = self._first
        while self._is_there(at):
            self._check_count(at - self._first + 1)
            self._check_size()
            self._image.load()
            yield self._image
            at += 1

    def _is_there(self, at: int) -> bool:
        """Turn to a frame; a frame that was announced and is not there raises EOFError."""
        if at == self._end:
            return False
        try:
            self._image.seek(at)
        except EOFError:
            if self._end is not None:
                raise
            return False
        return True

    def _check_count(self, count: int) -> None:
        if count > self._limits.max_asset_frames:
            raise self._too_many()
        most = self._limits.max_asset_total_pixels
        if self._size[0] * self._size[1] * count > most:
            raise _too_large(f"All frames together have more than the {most} pixels allowed (max_asset_total_pixels).")

    def _check_size(self) -> None:
        """A GIF may grow from frame to frame; one that does is refused."""
        width, height = self._image.size
        if self._image.size != self._size:
            raise ValueError("The frames have different sizes.")
        most = self._limits.max_asset_pixels
        if width * height > most:
            raise _too_large(f"{width} x {height} pixels are more than the {most} allowed (max_asset_pixels).")
        if max(width, height) > MOST_SIDE:
            raise _too_large(f"{width} x {height} pixels: a side has at most {MOST_SIDE}.")

    def _too_many(self) -> Rejected:
        return _too_large(f"The animation has more than {self._limits.max_asset_frames} frames (max_asset_frames).")


def _claimed_end(image: Image.Image, kind: MediaKind) -> int | None:
    """How many frames the header announces; None for a GIF, which does not, and would be read to its end to tell."""
    if kind is MediaKind.GIF:
        return None
    if kind is MediaKind.JPEG:
        return 1  # a camera's second picture (CIPA DC-007) is no second frame
    return int(getattr(image, "n_frames", 1))


def _rgba(image: Image.Image) -> NDArray[np.uint8]:
    """[height, width, 4] of any mode that the four formats have."""
    if image.mode.startswith("I"):  # 16 bits of gray
        gray = np.clip(np.asarray(image, np.float32) / 257.0 + 0.5, 0, 255).astype(np.uint8)
        return np.dstack((gray, gray, gray, np.full_like(gray, 255)))
    seen = image if image.has_transparency_data else image.convert("RGB")
    return np.asarray(seen.convert("RGBA"))


def _duration_ms(image: Image.Image) -> int:
    lasts = round(image.info.get("duration") or 0)
    return min(lasts, MOST_DURATION_MS) if lasts > _TOO_SHORT_MS else _INSTEAD_MS


def _refuse_cut_off(data: bytes, kind: MediaKind) -> None:
    """Pillow takes the end of a GIF's bytes for the end of its animation."""
    if kind is MediaKind.GIF and _GIF_END not in data[-_TAIL_BYTES:]:
        raise EOFError("The file has no end.")


def _too_large(detail: str) -> Rejected:
    return Rejected("too-large", detail)


def _damaged(kind: MediaKind) -> Rejected:
    return Rejected("damaged-media", f"The picture is cut off or damaged: it cannot be read as {kind}.")
