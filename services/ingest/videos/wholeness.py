"""Is a media file all there? Told from the sizes that its outermost boxes announce, without reading what is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from shared.model.errors import Rejected
from shared.model.media import MediaKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MOST_BOXES = 100_000
"""A fragmented hour has some thousand outer boxes; more than this is an attack on the walk."""
_EBML_HEADER, _EBML_SEGMENT = 0x1A45DFA3, 0x18538067
"""Element identifiers of RFC 8794 and RFC 9559."""


def missing_bytes(path: Path, kind: MediaKind) -> int:
    """How many announced bytes lie beyond the end of the file: 0 if it is whole, or if its kind does not tell.

    Raises Rejected (`damaged-media`) for an MP4 or QuickTime file without its index (`moov`), which nobody can read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        if kind in {MediaKind.MP4, MediaKind.QUICKTIME}:
            return _missing_of_boxes(file, size)
        if kind in {MediaKind.MATROSKA, MediaKind.WEBM}:
            return max(0, _matroska_end(file, size) - size)
        if kind is MediaKind.AVI:
            return max(0, int.from_bytes(file.read(8)[4:], "little") + 8 - size)
        if kind is MediaKind.GIF:
            file.seek(max(0, size - 16))
            return 0 if b"\x3b" in file.read() else 1
    return 0


def _missing_of_boxes(file: BinaryIO, size: int) -> int:
    end, names = 0, set()
    for name, end in _boxes(file, size):  # noqa: B007  -- where the last box ends is what is asked for
        names.add(name)
    if b"moov" not in names:
        raise Rejected("damaged-media", "The file has no index (moov): it was cut off or never finished.")
    return max(0, end - size)


def _boxes(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int]]:
    """Name and announced end of each outermost box (ISO 14496-12, 4.2)."""
    start = 0
    for _ in range(_MOST_BOXES):
        if start >= size:
            return
        file.seek(start)
        head = file.read(16)
        if len(head) < 8:
            return
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        elif length == 0:
            length = size - start
        if length < 8:
            return
        start += length
        yield head[4:8], start


def _matroska_end(file: BinaryIO, size: int) -> int:
    """Where the Segment ends, or 0 if that is not said (a live recording)."""
    start = 0
    while start < size:
        file.seek(start)
        head = file.read(12)
        identifier = int.from_bytes(head[:4], "big")
        width = 9 - head[4].bit_length() if len(head) > 4 and head[4] else 0
        if identifier not in {_EBML_HEADER, _EBML_SEGMENT} or not width:
            return 0
        length = int.from_bytes(head[4 : 4 + width], "big") & ((1 << 7 * width) - 1)
        if length == (1 << 7 * width) - 1:
            return 0
        start += 4 + width + length
        if identifier == _EBML_SEGMENT:
            return start
    return 0
