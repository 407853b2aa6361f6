"""The checks that cost nothing: what a file or picture claims to be, against the limits, before anything is decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.model.errors import Rejected
from shared.model.media import SNIFF_BYTES, MediaKind, sniff

if TYPE_CHECKING:
    from pathlib import Path

    from services.ingest.limits import IngestLimits

_VIDEOS = "MP4, MOV, Matroska, WebM, AVI or GIF"
_STILLS = "JPEG, PNG or WebP"


def admit_file(path: Path, limits: IngestLimits) -> MediaKind:
    """The kind of the video file at `path`.

    Raises Rejected (`unsupported-media`, `too-large`).
    """
    size = path.stat().st_size
    if size > limits.max_file_bytes:
        raise Rejected("too-large", f"The file has more than {limits.max_file_bytes} bytes (max_file_bytes).")
    with path.open("rb") as file:
        kind = sniff(file.read(SNIFF_BYTES))
    if kind is None or kind.is_still:
        raise Rejected("unsupported-media", _unread(size, kind, _VIDEOS))
    return kind


def admit_still(data: bytes | memoryview, limits: IngestLimits) -> MediaKind:
    """The kind of the still picture in `data`.

    Raises Rejected (`unsupported-media`, `too-large`).
    """
    if len(data) > limits.max_still_bytes:
        raise Rejected("too-large", f"The picture has more than {limits.max_still_bytes} bytes (max_still_bytes).")
    kind = sniff(bytes(data[:SNIFF_BYTES]))
    if kind is None or not kind.is_still:
        raise Rejected("unsupported-media", _unread(len(data), kind, _STILLS))
    return kind


def check_frame_size(width: int, height: int, limits: IngestLimits) -> None:
    """Refuse video frames that are too large or too small: Rejected (`too-large`, `too-small`)."""
    _check_size(width, height, limits.max_pixels, "max_pixels")
    _check_sides(width, height, limits)


def check_still_size(width: int, height: int, limits: IngestLimits) -> None:
    """Refuse a still picture that is too large or too small: Rejected (`too-large`, `too-small`)."""
    _check_size(width, height, limits.max_still_pixels, "max_still_pixels")
    _check_sides(width, height, limits)


def check_length(frames: int, seconds: float, limits: IngestLimits) -> None:
    """Refuse a video that is too long, as claimed or as found: Rejected (`too-long`)."""
    if frames > limits.max_frames:
        raise Rejected("too-long", f"The video has more than {limits.max_frames} frames (max_frames).")
    if seconds > limits.max_seconds:
        raise Rejected("too-long", f"The video lasts longer than {limits.max_seconds} seconds (max_seconds).")


def _check_size(width: int, height: int, most: int, limit: str) -> None:
    if width * height > most:
        raise Rejected("too-large", f"{width} x {height} pixels are more than the {most} allowed ({limit}).")


def _check_sides(width: int, height: int, limits: IngestLimits) -> None:
    if min(width, height) < limits.min_side:
        raise Rejected("too-small", f"{width} x {height} pixels: each side needs {limits.min_side} or more (min_side).")


def _unread(size: int, kind: MediaKind | None, wanted: str) -> str:
    if not size:
        return "The file is empty."
    if kind is None:
        return f"This is no media file that is read here; send {wanted}."
    return f"This is {kind}; send {wanted}."
