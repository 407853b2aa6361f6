"""Fetches a source that is spoken over HTTP: an HLS playlist with its segments, or one media file. It gives bytes; what
is in them is for the demuxing process.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from services.ingest.messages.source import SourceCut, SourceNotice
from services.ingest.sources.playlists import MARK, MasterPlaylist, MediaPlaylist, choose_variant, read_playlist
from shared.model.addresses import REFUSED
from shared.model.errors import Rejected, Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from services.ingest.sources.playlists import MediaSegment, Piece
    from services.ingest.sources.rules import SourceRules
    from shared.model.addresses import RemoteUrl
    from shared.transport.fetching import Fetcher

    Give = Callable[[bytes | SourceCut | SourceNotice], Awaitable[None]]

_LIVE_SEGMENTS = 3
"""So many segments before the end of a live playlist its reading begins (RFC 8216, 6.3.3)."""
CUT = SourceCut()
_SOUND_APART = SourceNotice("sound-left-out", "The source's sound is left out: it is in a playlist of its own.")


class WebProgress:
    """How much of a playlist was given, whichever reading gave it."""

    def __init__(self) -> None:
        self.last: int | None = None
        """Number of the last segment that was given, if only in part."""
        self.is_over = False
        """The playlist had an end, and all up to there was given."""


class WebSource:
    """One reading of a URL. One that ends is gone on with after what an earlier reading gave; a live one is joined."""

    def __init__(self, url: RemoteUrl, fetcher: Fetcher, rules: SourceRules, give: Give, progress: WebProgress) -> None:
        """give: takes bytes in pieces of up to 64 KiB, in order; it may let its caller wait. progress: is kept up."""
        self._url, self._fetcher, self._give = url, fetcher, give
        self._rules, self._limits, self._progress = rules, rules.limits, progress
        self._last: int | None = None
        """Number of the last segment that this reading has begun."""
        self._header: Piece | None = None

    async def read(self) -> None:
        """Give all that the source has; returns when it is over.

        Raises Rejected for what must not be read, Unavailable where it breaks off.
        """
        asked_at = asyncio.get_running_loop().time()
        async with self._fetcher.get(self._url, self._limits.source_segment_bytes) as answer:
            head = b""
            is_playlist = True
            async for chunk in answer.chunks():
                head += chunk
                if len(head) < len(MARK):
                    continue
                is_playlist = head.startswith(MARK)
                if is_playlist:
                    self._check_playlist_size(head, answer.url)
                else:
                    await self._give(head)
                    head = b""
            url = answer.url
        if is_playlist and head:
            await self._follow(*await self._media_playlist(url, head), asked_at)

    async def _media_playlist(self, url: RemoteUrl, body: bytes) -> tuple[RemoteUrl, MediaPlaylist]:
        said = read_playlist(body, url, self._rules)
        if isinstance(said, MediaPlaylist):
            return url, said
        variant = choose_variant(said, self._limits)
        if variant.has_sound_apart:
            await self._give(_SOUND_APART)
        return await self._fetch_playlist(variant.url)

    async def _follow(self, url: RemoteUrl, playlist: MediaPlaylist, asked_at: float) -> None:
        """asked_at: when the playlist was asked for, which is what the next asking is counted from (RFC 8216, 6.3.4):
        whoever takes may let segments wait for about as long as they last.
        """
        loop = asyncio.get_running_loop()
        changed_at = loop.time()
        while True:
            wanted = self._wanted(playlist)
            for segment in wanted:
                await self._give_segment(segment)
            if playlist.is_over:
                self._progress.is_over = True
                return
            changed_at = loop.time() if wanted else changed_at
            if loop.time() - changed_at > self._limits.source_silence_seconds:
                raise Unavailable(f"The playlist of {url.place} does not go on.")
            pause_seconds = playlist.target_seconds * (1 if wanted else 0.5)
            await asyncio.sleep(max(0.0, asked_at + pause_seconds - loop.time()))
            asked_at = loop.time()
            _, playlist = await self._fetch_playlist(url)

    def _wanted(self, playlist: MediaPlaylist) -> tuple[MediaSegment, ...]:
        """Those that were not given yet. At first, and when numbers begin anew, those at the end of a live playlist."""
        segments = playlist.segments
        last = self._progress.last if self._last is None and playlist.is_over else self._last
        if last is None or (segments and segments[-1].number < last):
            return segments if playlist.is_over else segments[-_LIVE_SEGMENTS:]
        return tuple(segment for segment in segments if segment.number > last)

    async def _give_segment(self, segment: MediaSegment) -> None:
        goes_on = self._last is not None and segment.number == self._last + 1
        is_new = not goes_on or segment.is_cut or segment.header != self._header
        if is_new and self._last is not None:
            await self._give(CUT)
        if is_new and segment.header is not None:
            await self._give_piece(segment.header)
        self._last, self._header = segment.number, segment.header
        await self._give_piece(segment.piece, segment.number)

    async def _give_piece(self, piece: Piece, number: int | None = None) -> None:
        """number: of the segment that it is; once begun it is not given again, or one that always breaks would be for
        ever."""
        async with self._fetcher.get(piece.url, self._limits.source_segment_bytes, piece.span) as answer:
            async for chunk in answer.chunks():
                await self._give(chunk)
                self._progress.last = self._progress.last if number is None else number

    async def _fetch_playlist(self, url: RemoteUrl) -> tuple[RemoteUrl, MediaPlaylist]:
        async with self._fetcher.get(url, self._limits.source_playlist_bytes) as answer:
            said = read_playlist(await answer.body(), answer.url, self._rules)
            if isinstance(said, MasterPlaylist):
                raise Rejected(REFUSED, f"A playlist of {url.place} leads to variants of variants; one level is read.")
            return answer.url, said

    def _check_playlist_size(self, body: bytes, url: RemoteUrl) -> None:
        most = self._limits.source_playlist_bytes
        if len(body) > most:
            raise Rejected(REFUSED, f"The playlist of {url.place} has more than {most} bytes (source_playlist_bytes).")
