"""One connection to a source: the parent fetches, a child demuxes, coded packets come back. What it says is checked."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Self

import msgspec

from services.ingest.decoders.conversation import Conversation
from services.ingest.decoders.decoding import DecoderDied, DecoderExceeded, cause_of_death, finish
from services.ingest.messages.decoder import Finished, Refused
from services.ingest.messages.source import (
    FETCHED,
    Kind,
    LineWanted,
    ReadSource,
    SoundFormat,
    SourceBytes,
    SourceCut,
    SourceEnded,
    SourceNotice,
    SourcePacket,
    VideoFormat,
)
from services.ingest.sources.lines import SourceLines
from services.ingest.sources.rules import WEB_SCHEMES
from services.ingest.sources.srt import SourceDatagrams
from services.ingest.sources.web import WebProgress, WebSource
from shared.model.errors import Rejected, Unavailable, VisavisError
from shared.model.live import LiveCodec
from shared.transport.fetching import Fetcher

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from services.ingest.decoders.forking import Child
    from services.ingest.messages.decoder import Reply
    from services.ingest.sources.rules import SourceRules
    from shared.model.addresses import RemoteUrl
    from shared.transport.dialing import Dialer

SourceItem = VideoFormat | SoundFormat | SourcePacket | SourceNotice
_FRAME_BYTES = 1 << 17
"""What a message may have besides a packet's body."""
_CODECS = frozenset(codec.value for codec in LiveCodec if not codec.is_raw)


class SourceReading:
    """An asynchronous context: on leaving it the child is dead, and no task or connection is left."""

    def __init__(
        self,
        url: RemoteUrl,
        rules: SourceRules,
        dialer: Dialer,
        take_child: Callable[[], Awaitable[Child]],
        spend: Callable[[int], None],
        progress: WebProgress | None = None,
        srt_program: str = "",
    ) -> None:
        """take_child: gives a process that has served nobody yet. spend: is told of bytes; it may raise. progress: what
        earlier readings have given of a playlist. srt_program: speaks a URL of SRT.
        """
        self._url, self._rules, self._limits, self._dialer = url, rules, rules.limits, dialer
        self._take_child, self._spend = take_child, spend
        self._progress, self._srt_program = progress or WebProgress(), srt_program
        self._notices: deque[SourceNotice] = deque()
        self._feeding: asyncio.Task[None] | None = None
        self._broke_off: VisavisError | None = None
        self._leg, self._can_begin = -1, False

    @property
    def ends(self) -> bool:
        """Whether the end of what is read is the end of the source; otherwise it is live, and may come back."""
        return self._url.scheme in WEB_SCHEMES

    async def __aenter__(self) -> Self:
        self._child = await self._take_child()
        try:
            most = self._limits.source_packet_bytes + _FRAME_BYTES
            self._talk = await Conversation.over(self._child.connection, most)
        except BaseException:
            self._child.kill()
            raise
        kind = SourceDatagrams if self._srt_program else SourceLines
        self._lines = kind(self._url, self._dialer, self._tell, self._talk.fail)
        url = "" if self.ends else self._url.text
        self._talk.say(ReadSource(url, self._srt_program, self._rules.unconfined))
        if self.ends:
            self._feeding = asyncio.create_task(self._feed())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.kill()
        self._talk.close()
        try:
            if self._feeding is not None:
                self._feeding.cancel()
            await self._lines.close()
            if self._feeding is not None:
                await asyncio.gather(self._feeding, return_exceptions=True)
        finally:
            await finish(self._child)

    async def next(self) -> SourceItem | None:
        """The next of what the source has; None: it is over. It can be cancelled and called again: nothing is lost.

        Raises Rejected (DecoderExceeded for a passed limit of the process), Unavailable (DecoderDied for its crash).
        """
        while not self._notices:
            reply = await self._hear()
            match reply:
                case LineWanted() | SourceBytes() | SourceEnded():
                    self._carry(reply)
                case Finished():
                    if self._broke_off is not None:
                        raise self._broke_off
                    return None
                case VideoFormat() | SoundFormat() | SourcePacket() | SourceNotice():
                    self._check(reply)
                    return reply
                case _:
                    raise DecoderDied("The reader of a source sent what is no part of one.")
        return self._notices.popleft()

    async def _hear(self) -> Reply:
        try:
            reply = await self._talk.hear()
        except EOFError:
            raise cause_of_death(await self._child.ended(), self._limits) from None
        except msgspec.DecodeError as error:
            raise DecoderDied(f"The reader of a source sent what is no message of one: {error}.") from error
        if isinstance(reply, Refused):
            if self._broke_off is not None:
                raise self._broke_off
            raise DecoderExceeded(reply.detail) if reply.code == "too-demanding" else Rejected(reply.code, reply.detail)
        return reply

    def _carry(self, reply: LineWanted | SourceBytes | SourceEnded) -> None:
        if self.ends:
            raise DecoderDied("The reader of a source wants a line for what is fetched.")
        try:
            if isinstance(reply, LineWanted):
                self._lines.open(reply.line)
            elif isinstance(reply, SourceBytes):
                self._lines.say(reply.line, reply.body)
            else:
                self._lines.end(reply.line)
        except ValueError as error:
            raise DecoderDied(f"The reader of a source broke the rules: {error}.") from error

    def _check(self, item: SourceItem) -> None:
        """Raises DecoderDied for what an honest reader would not say."""
        fits = True
        if isinstance(item, VideoFormat):
            fits = item.codec in _CODECS
            self._can_begin = True
        elif isinstance(item, SourcePacket):
            begins = item.leg != self._leg
            fits = 0 < len(item.body) <= self._limits.source_packet_bytes and item.leg >= self._leg
            fits = fits and (not begins or (item.key and item.kind is Kind.VIDEO and self._can_begin))
            self._leg = item.leg
        elif isinstance(item, SourceNotice):
            fits = item.kind == "sound-left-out"
        if not fits:
            raise DecoderDied("The reader of a source sent what it should have refused.")

    async def _tell(self, message: SourceBytes | SourceCut | SourceEnded) -> None:
        if isinstance(message, SourceBytes):
            self._spend(len(message.body))
        await self._talk.tell(message)

    async def _give(self, what: bytes | SourceCut | SourceNotice) -> None:
        if isinstance(what, SourceNotice):
            self._notices.append(what)
        else:
            await self._tell(SourceBytes(what) if isinstance(what, bytes) else what)

    async def _feed(self) -> None:
        """Give the child what is fetched. What came before a failure is still read; then it is raised."""
        try:
            try:
                await self._fetch()
            except VisavisError as error:
                self._broke_off = error
            await self._talk.tell(SourceEnded(FETCHED))
        except (EOFError, ConnectionError):
            return  # the child has gone; its socket tells
        except Exception as error:  # noqa: BLE001  -- a task's end: whatever it is, the reader must hear of it
            self._talk.fail(Unavailable(f"{self._url.place} cannot be fetched: {type(error).__name__}."))

    async def _fetch(self) -> None:
        fetcher = Fetcher(
            self._dialer,
            schemes=self._rules.web_schemes,
            silence_seconds=self._limits.source_silence_seconds,
            redirects=self._limits.source_redirects,
        )
        async with fetcher:
            await WebSource(self._url, fetcher, self._rules, self._give, self._progress).read()
