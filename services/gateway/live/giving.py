"""What goes to the client of a live stream: words at once, frames in order and in time, one message after the other."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from services.gateway.live.messages import account_message, frame_message, way_back
from services.gateway.live.queue import FrameQueue
from shared.model.live import Place, Reason
from visavis.v1 import streams_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.gateway.live.account import LiveAccount
    from services.gateway.live.notices import DropTally
    from services.gateway.live.queue import Drawn
    from services.gateway.measuring import FrameMeasures
    from shared.model.live import LiveSettings
    from shared.runtime.telemetry import Telemetry

Send = Callable[[streams_pb2.ServerMessage], Awaitable[None]]
MOST_WORDS = 64
"""When so many words wait, nothing more is taken from the client that called them forth."""
LAST_WORD_SECONDS = 1.0


class Giver:
    """The one that sends, so that two messages never cross."""

    def __init__(
        self,
        send: Send,
        settings: LiveSettings,
        account: LiveAccount,
        tally: DropTally,
        telemetry: Telemetry,
        measures: FrameMeasures,
    ) -> None:
        self._send = send
        self._settings = settings
        self._account = account
        self._tally = tally
        self._telemetry = telemetry
        self._measures = measures
        is_intra = settings.output.codec.is_intra or not settings.want_picture
        self.frames = FrameQueue(settings.max_delay_ms / 1000, is_intra=is_intra)
        self._words: deque[streams_pb2.ServerMessage] = deque()
        self._over = False
        self._something = asyncio.Event()
        self._has_room = asyncio.Event()
        self._has_room.set()
        self.sending_since: float | None = None
        """Since when the client has not taken a message, by time.monotonic(); None: it has taken all."""

    @property
    def has_room(self) -> bool:
        """Whether words are taken by the client as fast as they come."""
        return self._has_room.is_set()

    async def until_room(self) -> None:
        """Until the client has taken words that wait for it."""
        await self._has_room.wait()

    def tell(self, message: streams_pb2.ServerMessage) -> None:
        """Words go before frames."""
        self._words.append(message)
        if len(self._words) >= MOST_WORDS:
            self._has_room.clear()
        self._something.set()

    def put(self, drawn: Drawn) -> None:
        """A frame has come from the lane and was taken into the account."""
        self._drop(self.frames.put(drawn))
        self._something.set()

    def drop_overdue(self) -> None:
        """What has waited for too long is of no use."""
        self._drop(self.frames.overdue(time.monotonic()))

    def leave_out(self, numbers: Iterable[int], reason: Reason) -> None:
        """Nothing comes of these packets, by what is known here."""
        self._tally.drop(self._account.drop(numbers, Place.GATEWAY, reason), Place.GATEWAY, reason)

    def end(self) -> None:
        """Nothing more comes from the lane: when all is given, so is the account, and that is all."""
        self._over = True
        self._something.set()

    async def run(self) -> None:
        """Give until the end."""
        while self._words or self.frames or not self._over:
            self.drop_overdue()
            if self._words:
                await self._out(self._words.popleft())
                self._has_room.set()
            elif self.frames:
                await self._give(self.frames.take())
            elif not self._over:
                self._something.clear()
                await self._something.wait()
        for notice in self._tally.tell():
            await self._out(streams_pb2.ServerMessage(notice=notice))
        self._account.close()
        await self._out(account_message(self._account))

    async def last_word(self) -> None:
        """The account of a stream that breaks off, if the client still takes anything."""
        self._account.close()
        if self.sending_since is None:
            async with asyncio.timeout(LAST_WORD_SECONDS):
                await self._out(account_message(self._account))

    async def _give(self, drawn: Drawn) -> None:
        back = way_back(drawn)
        await self._out(frame_message(drawn, self._settings, back))
        self._account.deliver(drawn.frame.number)
        self._telemetry.record(back)  # the lane's services count theirs
        self._measures.delivered(drawn.frame.arrived_ns, self._settings.max_delay_ms)

    async def _out(self, message: streams_pb2.ServerMessage) -> None:
        self.sending_since = time.monotonic()
        await self._send(message)  # if this is broken off, nothing more can be sent: since when stays
        self.sending_since = None

    def _drop(self, frames: Iterable[Drawn]) -> None:
        self.leave_out((one.frame.number for one in frames), Reason.SLOW_READER)
