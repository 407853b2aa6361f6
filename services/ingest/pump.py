"""Carries the frames of one decoding into the lane: grants slots, seals what was written, tells detect in batches."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from shared.model.frames import CapturedFrame, FramesCaptured
from shared.model.hops import Hop
from shared.transport import wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.ingest.decoder import DecodedFrame, Decoding
    from services.ingest.lane import Lane
    from shared.model.media import Facts
    from shared.model.sessions import SessionBegun

SLOT_POLL_SECONDS = 0.002
"""A release is a word in shared memory and wakes nobody; so often is looked while someone waits for a slot."""
GRANTS_AHEAD = 6
"""So many slots a decoder has to write to at a time."""
LINGER_SECONDS = 0.05
"""A frame of a job waits so long at most for others to travel with."""

_Entry = tuple[CapturedFrame, float]
"""A sealed frame and the milliseconds that it took to come."""


class FramePump:
    """One session's frames, from the decoder to the bus."""

    def __init__(self, lane: Lane, session: str) -> None:
        self._lane = lane
        self._pool = lane.pool
        self._session = session
        self._granted: set[int] = set()
        self.frames = 0
        """How many were told."""

    @asynccontextmanager
    async def granting(self, decoding: Decoding, facts: Facts) -> AsyncIterator[None]:
        """Keep the decoder in slots to write to, within the context."""
        task = asyncio.create_task(self._grant(decoding, facts))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def run(self, decoding: Decoding, facts: Facts, begun: SessionBegun, waited_ms: float) -> None:
        """Until the decoder has no more. Raises what decoding raises."""
        ready: asyncio.Queue[_Entry | None] = asyncio.Queue()
        telling = asyncio.create_task(self._tell(ready, begun, waited_ms))
        try:
            last = time.perf_counter()
            async for frame in decoding.frames():
                now = time.perf_counter()
                ready.put_nowait((self._sealed(frame, facts, begun), (now - last) * 1000))
                last = now
            ready.put_nowait(None)
            await telling
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)

    def take_back(self) -> None:
        """Slots that were granted and never written come back. Only when the decoder is dead."""
        for slot in self._granted:
            self._pool.abandon(slot)
        self._granted.clear()

    def _sealed(self, frame: DecodedFrame, facts: Facts, begun: SessionBegun) -> CapturedFrame:
        self._granted.remove(frame.slot)
        reference = self._pool.seal(frame.slot, facts.geometry, facts.colour, begun.row)
        return CapturedFrame(reference, frame.sequence, frame.pts, frame.duration)

    async def _grant(self, decoding: Decoding, facts: Facts) -> None:
        size = facts.geometry.size_bytes
        while True:
            if len(self._granted) < GRANTS_AHEAD and self._pool.ledger.count_of(self._session) < self._lane.share:
                slot = self._pool.lease(size, self._session)
                if slot is not None:
                    self._granted.add(slot)
                    decoding.grant(slot, *self._pool.extent(slot))
                    continue
            self._pool.sweep()
            await asyncio.sleep(SLOT_POLL_SECONDS)

    async def _tell(self, ready: asyncio.Queue[_Entry | None], begun: SessionBegun, waited_ms: float) -> None:
        """Put frames into messages: full ones, or what has come when the oldest has waited long enough."""
        ended = False
        while not ended:
            batch, ended = await self._gather(ready)
            if batch:
                await self._publish(batch, begun, waited_ms)

    async def _gather(self, ready: asyncio.Queue[_Entry | None]) -> tuple[list[_Entry], bool]:
        batch: list[_Entry] = []
        entry = await ready.get()
        try:
            async with asyncio.timeout(LINGER_SECONDS):
                while entry is not None:
                    batch.append(entry)
                    if len(batch) == self._lane.frames_per_message:
                        return batch, False
                    entry = await ready.get()
        except TimeoutError:
            return batch, False
        return batch, True

    async def _publish(self, batch: list[_Entry], begun: SessionBegun, waited_ms: float) -> None:
        worked_ms = sum(worked for _, worked in batch) / len(batch)
        hop = Hop(self._lane.telemetry.service, round(waited_ms, 3), round(worked_ms, 3), len(batch))
        message = FramesCaptured(
            lane=self._lane.name,
            session=self._session,
            worker=begun.worker,
            frames=tuple(frame for frame, _ in batch),
            hops=(hop,),
        )
        await self._lane.bus.publish(message.subject, wire.encode(message), self._lane.telemetry.headers())
        self._lane.telemetry.record(hop)
        self.frames += len(batch)
