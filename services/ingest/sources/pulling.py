"""Sources that ingest fetches by itself: coded packets on one timeline, however often the connection breaks."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Self

from msgspec.structs import replace

from services.ingest import confinement
from services.ingest.messages.source import SourceNotice, SourcePacket
from services.ingest.sources import srt
from services.ingest.sources.reading import SourceReading
from services.ingest.sources.rules import WEB_SCHEMES
from services.ingest.sources.timeline import SourceTimeline
from services.ingest.sources.web import WebProgress
from shared.model.addresses import REFUSED
from shared.model.errors import Rejected, Unavailable
from shared.transport.dialing import Dialer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from types import TracebackType

    from services.ingest.decoders.making import Decoders
    from services.ingest.sources.reading import SourceItem
    from services.ingest.sources.rules import SourceRules
    from shared.transport.dialing import Resolve

_FIRST_WAIT_SECONDS, _MOST_WAIT_SECONDS = 0.5, 15.0
_STALLED, _LOST = "source-stalled", "source-lost"
_PASSING = frozenset({"damaged-media", "no-video"})
"""What a live source may be for a moment: nobody publishes, or half a frame has come."""


class PulledSource:
    """One source. An asynchronous context: on leaving it no process, connection or task of it is left."""

    def __init__(self, url: str, rules: SourceRules, decoders: Decoders, *, resolve: Resolve | None = None) -> None:
        """Raises Rejected (`source-refused`) for a URL that is not fetched. Errors and notices tell its host only.

        decoders: where a process for reading comes from. resolve: looks up hosts, in place of the system.
        """
        self._url, self._rules, self._limits, self._decoders = rules.url(url), rules, rules.limits, decoders
        self._dialer = Dialer(rules.networks, seconds=rules.limits.source_connect_seconds, resolve=resolve)
        self._timeline = SourceTimeline()
        self._progress = WebProgress()
        self._srt_program = ""
        self._spent_bytes = 0
        self._place = (-1, -1)
        self._readings, self._legs = 0, -1
        self._failures = 0
        self._trouble: str | None = None
        self._waits_since: float | None = None
        self._packets: AsyncGenerator[SourceItem, None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._packets is not None:
            await self._packets.aclose()

    @property
    def place(self) -> str:
        """Scheme and host, which may be logged."""
        return self._url.place

    def packets(self) -> AsyncGenerator[SourceItem, None]:
        """Formats, packets and notices, as fast as they are taken; once. It ends with the source.

        A VideoFormat comes before each leg's first packet, which is a key frame of video. Raises Rejected for what must
        not or cannot be read, Unavailable where a source stays away.
        """
        if self._packets is not None:
            raise RuntimeError("The packets of a source can be taken once.")
        self._packets = self._pull()
        return self._packets

    async def _pull(self) -> AsyncGenerator[SourceItem, None]:
        self._check_confinement()
        if self._url.scheme == "srt":
            self._srt_program = await asyncio.to_thread(srt.find_program, self._rules.srt_program)
        self._ends_at = asyncio.get_running_loop().time() + self._limits.source_seconds
        while True:
            self._readings += 1
            why = f"{self._url.place} has ended."
            try:
                async with self._reading() as reading:
                    while (item := await self._next(reading)) is not None:
                        if isinstance(item, SourcePacket) and (recovered := self._recovered()) is not None:
                            yield recovered
                        yield item
                    if reading.ends:
                        self._check_end()
                        return
            except (Unavailable, Rejected) as error:
                why = self._passing(error)
                if self._progress.is_over and self._legs >= 0:
                    return  # it broke off where there was nothing more to give
            self._failures += 1
            if self._failures > self._limits.source_retries:
                raise Unavailable(f"{why} It was tried {self._failures} times in a row (source_retries).")
            if self._trouble is not _LOST:
                self._trouble = _LOST
                yield SourceNotice(_LOST, f"{why[:200]} It is connected to anew.")
            await asyncio.sleep(self._wait_seconds())

    def _reading(self) -> SourceReading:
        self._waits_since = None
        if self._legs < 0:
            self._progress = WebProgress()  # what was given until now was of no use
        child = self._decoders.take_child
        return SourceReading(
            self._url, self._rules, self._dialer, child, self._spend, self._progress, self._srt_program
        )

    async def _next(self, reading: SourceReading) -> SourceItem | None:
        """What comes next, also that nothing comes. Raises Unavailable when that lasts, Rejected when time is up."""
        now = asyncio.get_running_loop().time
        since = self._waits_since = self._waits_since or now()
        while True:
            self._check_time(now())
            patience = self._limits.source_silence_seconds
            if self._trouble is None:
                patience = min(patience, self._limits.source_stall_seconds)
            try:
                async with asyncio.timeout_at(min(since + patience, self._ends_at)):
                    item = await reading.next()
            except TimeoutError:
                self._check_time(now())
                if self._trouble is None:
                    self._trouble = _STALLED
                    return SourceNotice(_STALLED, f"{self._url.place} has brought nothing for {patience} seconds.")
                if now() >= since + self._limits.source_silence_seconds:
                    raise Unavailable(f"{self._url.place} brings nothing.") from None
                continue
            if isinstance(item, SourcePacket):
                self._waits_since = None
                return self._placed(item)
            return item

    def _check_time(self, now: float) -> None:
        if now >= self._ends_at:
            most = self._limits.source_seconds
            raise Rejected("too-long", f"The source lasts more than {most} seconds (source_seconds).")

    def _placed(self, packet: SourcePacket) -> SourcePacket:
        if (self._readings, packet.leg) != self._place:
            self._place = (self._readings, packet.leg)
            self._legs += 1
        self._failures = 0
        return self._timeline.place(replace(packet, leg=self._legs))

    def _recovered(self) -> SourceNotice | None:
        """Said once, with the first packet after what was told as trouble."""
        trouble, self._trouble = self._trouble, None
        return SourceNotice("source-recovered", f"{self._url.place} goes on.") if trouble is not None else None

    def _passing(self, error: Unavailable | Rejected) -> str:
        """Why it is tried again. Raises the error where that is of no use."""
        if isinstance(error, Unavailable):
            return str(error)
        began_or_live = self._legs >= 0 or self._url.scheme not in WEB_SCHEMES
        if error.code in _PASSING and began_or_live:
            return error.detail
        raise error

    def _check_end(self) -> None:
        if self._legs < 0:
            raise Rejected("no-video", f"{self._url.place} has no frame that can be read.")

    def _spend(self, count: int) -> None:
        self._spent_bytes += count
        most = self._limits.source_bytes
        if self._spent_bytes > most:
            raise Rejected("too-large", f"The source has sent more than {most} bytes (source_bytes).")

    def _wait_seconds(self) -> float:
        """Longer with each failure in a row; by chance a bit less, so that many do not come back at once."""
        longest = min(_MOST_WAIT_SECONDS, _FIRST_WAIT_SECONDS * 2.0 ** min(self._failures - 1, 10))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311  -- no secret

    def _check_confinement(self) -> None:
        """Before the first byte: the process that reads it must have no network. Raises Rejected (`source-refused`)."""
        if not self._rules.unconfined and not confinement.is_left(self._decoders.network):
            raise Rejected(
                REFUSED,
                "No source is read here: the kernel refuses its reader a network namespace. "
                "Allow it (CAP_SYS_ADMIN, or user namespaces), or set source_unconfined.",
            )
