"""What an HLS playlist of somebody else's says (RFC 8216), as values. Nothing is fetched here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import m3u8
import msgspec

from shared.model.addresses import REFUSED, RemoteUrl, read_url
from shared.model.errors import Rejected

if TYPE_CHECKING:
    from services.ingest.limits import IngestLimits
    from services.ingest.sources.rules import SourceRules

MARK = b"#EXTM3U"
"""How every playlist begins."""
_MOST_LINE_BYTES = 4096
_LEAST_TARGET_SECONDS, _MOST_TARGET_SECONDS = 0.5, 60.0
_MOST_VARIANTS = 64


class Piece(msgspec.Struct, frozen=True):
    """A file or a part of one."""

    url: RemoteUrl
    span: tuple[int, int] | None = None
    """First byte and number of bytes; None: all of it."""


class MediaSegment(msgspec.Struct, frozen=True):
    """One segment, in order."""

    number: int
    """Its media sequence number."""
    piece: Piece
    header: Piece | None
    """What must be read before it (EXT-X-MAP); None: it stands for itself."""
    is_cut: bool
    """Its times do not go on with those of the one before."""


class MediaPlaylist(msgspec.Struct, frozen=True):
    """The segments that there are by now."""

    segments: tuple[MediaSegment, ...]
    target_seconds: float
    """About what a segment lasts: how often to look for more."""
    is_over: bool
    """No more will come."""


class Variant(msgspec.Struct, frozen=True):
    """One of the playlists of the same thing in several sizes."""

    url: RemoteUrl
    pixels: int
    """Of a frame; 0: not told."""
    bits_per_second: int
    has_sound_apart: bool
    """Its sound is in another playlist, which is not read."""


class MasterPlaylist(msgspec.Struct, frozen=True):
    """Names variants."""

    variants: tuple[Variant, ...]


def read_playlist(body: bytes, url: RemoteUrl, rules: SourceRules) -> MediaPlaylist | MasterPlaylist:
    """What the playlist at `url` says. Raises Rejected (`source-refused`)."""
    if not body.startswith(MARK) or max(map(len, body.splitlines())) > _MOST_LINE_BYTES:
        raise Rejected(REFUSED, f"{url.place} sends what is no playlist where one was expected.")
    try:
        said: Any = m3u8.loads(body.decode("utf-8"))  # type: ignore[no-untyped-call]  # it has no types
    except Exception as error:  # the parser raises whatever a hostile line makes of it
        raise Rejected(REFUSED, f"The playlist of {url.place} cannot be read.") from error
    if said.is_variant:
        named = said.playlists[:_MOST_VARIANTS]
        return MasterPlaylist(tuple(_variant(one, url, rules.web_schemes) for one in named))
    most = rules.limits.source_segments
    if len(said.segments) > most:
        raise Rejected(REFUSED, f"The playlist of {url.place} has more than {most} segments (source_segments).")
    target = min(max(float(said.target_duration or 0), _LEAST_TARGET_SECONDS), _MOST_TARGET_SECONDS)
    return MediaPlaylist(_segments(said, url, rules.web_schemes), target, bool(said.is_endlist))


def choose_variant(master: MasterPlaylist, limits: IngestLimits) -> Variant:
    """The largest within max_pixels; of those the one of most bits. Raises Rejected (`too-large`, `no-video`)."""
    if not master.variants:
        raise Rejected("no-video", "The playlist names no variant with video.")
    fitting = [one for one in master.variants if one.pixels <= limits.max_pixels]
    if not fitting:
        raise Rejected("too-large", f"Every variant has more than {limits.max_pixels} pixels (max_pixels).")
    return max(fitting, key=lambda one: (one.pixels, one.bits_per_second))


def _variant(said: Any, url: RemoteUrl, schemes: tuple[str, ...]) -> Variant:
    size = said.stream_info.resolution or (0, 0)
    apart = any(media.type == "AUDIO" and media.uri for media in said.media)
    return Variant(_child(url, said.uri, schemes), size[0] * size[1], int(said.stream_info.bandwidth or 0), apart)


def _segments(said: Any, url: RemoteUrl, schemes: tuple[str, ...]) -> tuple[MediaSegment, ...]:
    first, found = int(said.media_sequence or 0), []
    ends: dict[str, int] = {}
    for number, one in enumerate(said.segments, first):
        if one.key is not None and one.key.method not in {None, "", "NONE"}:
            raise Rejected(REFUSED, f"The segments of {url.place} are encrypted; only plain ones are read.")
        if one.gap_tag:
            continue
        map_ = one.init_section
        header = _piece(_child(url, map_.uri, schemes), map_.byterange, {}) if map_ is not None else None
        piece = _piece(_child(url, one.uri, schemes), one.byterange, ends)
        found.append(MediaSegment(number, piece, header, bool(one.discontinuity)))
    return tuple(found)


def _piece(url: RemoteUrl, byterange: str | None, ends: dict[str, int]) -> Piece:
    """ends: where in a file the part before has ended, which is where one without an offset begins."""
    if not byterange:
        return Piece(url)
    length, _, offset = str(byterange).partition("@")
    try:
        start = int(offset) if offset else ends.get(url.text, 0)
        span = (start, int(length))
    except ValueError:
        raise Rejected(REFUSED, f"A playlist that names {url.place} has a byte range that cannot be read.") from None
    if span[0] < 0 or span[1] < 1:
        raise Rejected(REFUSED, f"A playlist that names {url.place} has an empty byte range.")
    ends[url.text] = sum(span)
    return Piece(url, span)


def _child(base: RemoteUrl, uri: str | None, schemes: tuple[str, ...]) -> RemoteUrl:
    """What a playlist names, which must be of one of the schemes. Raises Rejected (`source-refused`)."""
    if not uri:
        raise Rejected(REFUSED, f"The playlist of {base.place} has an entry without an address.")
    try:
        joined = urljoin(base.text, uri)
    except ValueError:
        joined = ""
    child = read_url(joined, schemes)
    if child.text == base.text:
        raise Rejected(REFUSED, f"The playlist of {base.place} names itself.")
    return child
