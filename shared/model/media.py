"""What kind of media some bytes are, told by their magic and never by a name; and what a stream says of itself."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from shared.model.pictures import Colour, Geometry

if TYPE_CHECKING:
    from shared.model.pictures import PixelFormat

SNIFF_BYTES = 4096
"""So many bytes of a file's beginning are enough to tell its kind."""


class MediaKind(StrEnum):
    """The closed list of what is read, by its media type."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"
    GIF = "image/gif"
    MP4 = "video/mp4"
    QUICKTIME = "video/quicktime"
    MATROSKA = "video/x-matroska"
    WEBM = "video/webm"
    AVI = "video/x-msvideo"

    @property
    def is_still(self) -> bool:
        """True for the kinds that `/v1/images` takes."""
        return self in STILLS

    @property
    def keeps_alpha(self) -> bool:
        """True for the kinds of answers that can be transparent."""
        return self in {MediaKind.PNG, MediaKind.WEBP}


STILLS = frozenset({MediaKind.JPEG, MediaKind.PNG, MediaKind.WEBP})
_MAGIC = {
    b"\xff\xd8\xff": MediaKind.JPEG,
    b"\x89PNG\r\n\x1a\n": MediaKind.PNG,
    b"GIF87a": MediaKind.GIF,
    b"GIF89a": MediaKind.GIF,
}
_RIFF_FORMS = {b"WEBP": MediaKind.WEBP, b"AVI ": MediaKind.AVI}
_EBML = b"\x1a\x45\xdf\xa3"
_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"uuid")
_STILL_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
"""ISO base media brands of pictures and picture sequences (ISO 23008-12, AVIF), which are not read here."""


def sniff(head: bytes) -> MediaKind | None:
    """The kind of the media that begins with `head` (SNIFF_BYTES or the whole), or None for what is not read here."""
    for magic, kind in _MAGIC.items():
        if head.startswith(magic):
            return kind
    if head.startswith(b"RIFF"):
        return _RIFF_FORMS.get(head[8:12])
    if head.startswith(_EBML):
        return MediaKind.WEBM if b"webm" in head[:SNIFF_BYTES] else MediaKind.MATROSKA
    return _sniff_boxes(head)


def _sniff_boxes(head: bytes) -> MediaKind | None:
    name, brand = head[4:8], head[8:12]
    if name not in _BOXES or (name == b"ftyp" and brand in _STILL_BRANDS):
        return None
    return MediaKind.MP4 if name in {b"ftyp", b"styp"} and brand != b"qt  " else MediaKind.QUICKTIME


class VideoFacts(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What a video stream says of itself, for upright frames; enough to encode one that matches it."""

    geometry: Geometry
    """Of every frame as it lies in the pool (i420)."""
    colour: Colour
    colour_primaries: int = 2
    """ITU-T H.273 number; 2 is unspecified."""
    colour_transfer: int = 2
    """ITU-T H.273 number; 2 is unspecified."""
    colour_matrix: int = 2
    """ITU-T H.273 number as tagged in the source; 2 is unspecified."""
    time_base: tuple[int, int]
    """Numerator and denominator of the seconds that one pts unit lasts."""
    frame_rate: tuple[int, int]
    """Average frames a second as a fraction; the pts are what counts."""
    sample_aspect: tuple[int, int] = (1, 1)
    """Width : height of one sample."""
    field_order: int = 0
    """0 progressive, 1 top field first, 2 bottom field first."""
    frames_expected: int = 0
    """What the container claims; 0 where it claims nothing."""
    duration_seconds: float = 0.0
    """What the container claims; 0 where it claims nothing."""

    @property
    def frames_likely(self) -> int:
        """How many frames to expect: what the container claims, else what duration and rate suggest; 0 if neither."""
        numerator, denominator = self.frame_rate
        return self.frames_expected or round(self.duration_seconds * numerator / denominator)

    def laid_out(self, layout: PixelFormat) -> VideoFacts:
        """Of the same video, with frames in that layout."""
        return msgspec.structs.replace(self, geometry=self.geometry.laid_out(layout))


class Span(msgspec.Struct, frozen=True, array_like=True):
    """Which frames of a video one segment has. Times are pts in units of the facts' time base.

    It is read from a key frame on. Between that and `start` lie frames that the segment before has too: here they only
    warm up what is known of faces, so that nothing jumps at the cut.
    """

    begins: int
    """The key frame's."""
    start: int
    """From here on frames are in the segment's part."""
    end: int | None
    """Before this; None: to the video's end."""
    first: int
    """How many frames of the video lie before `begins`."""
    warm: int
    """How many lie from `begins` to before `start`."""
    frames: int
    """How many lie from `start` to before `end`."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How a video is cut into segments."""

    facts: VideoFacts
    spans: tuple[Span, ...] = ()
    """In order; none: it is done as a whole."""

    @property
    def segments(self) -> int:
        """How many parts there will be, 1 or more."""
        return max(1, len(self.spans))


class StillFacts(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What a still picture says of itself."""

    geometry: Geometry
    """Of the upright picture (rgb24)."""
    kind: MediaKind
    exif: bytes = b""
    """EXIF as it was, orientation reset to upright; empty if there was none."""
    icc_profile: bytes = b""
    """The colour profile as it was; empty if there was none."""

    @property
    def colour(self) -> Colour:
        """Of the picture in the pool, which is RGB: full range, the matrix of no meaning."""
        return Colour(full_range=True)


Facts = VideoFacts | StillFacts


def notice_of(frames: int, expected: int, damaged: int, *, early: bool) -> str:
    """One sentence for a person about what of a video could not be read; empty if all is well.

    expected: what the container claims. damaged: places. early: the file stops before what it announces.
    """
    of = f" of about {expected}" if expected > frames else ""
    if early:
        return f"The file ends early: {frames}{of} frames could be read."
    if damaged:
        places = "one place" if damaged == 1 else f"{damaged} places"
        return f"The file is damaged in {places}: {frames}{of} frames could be read."
    return ""


class DecodeSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What could be read of a picture or video, known when reading is over."""

    frames: int
    """Frames delivered."""
    damaged_packets: int = 0
    """Packets that were skipped or that gave a visibly damaged frame."""
    ended_early: bool = False
    """True if the file stops before what it announces."""
    end_seconds: float = 0.0
    """Where the last delivered frame ends, in seconds of the stream's own time."""
    notice: str = ""
    """One sentence for a person about what is damaged or missing; empty if all is well."""
