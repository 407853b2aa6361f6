"""Carries the frames of one decoding into the lane: grants slots, seals what was written, tells detect in batches."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from shared.model.frames import CapturedFrame, FramesCaptured
from shared.model.hops import Hop
from shared.model.media import StillFacts
from shared.runtime.telemetry import asks_for_every_frame
from shared.transport import wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.ingest.decoders.making import DecodedFrame, Decoding
    from services.ingest.lane import Lane
    from shared.memory.card_pool import CardPool
    from shared.memory.host import HostPool
    from shared.model.media import Facts
    from shared.model.offers import ModelChoice
    from shared.model.sessions import SessionBegun

    FramePool = HostPool | CardPool

SLOT_POLL_SECONDS = 0.002
"""A release is a word in shared memory and wakes nobody; so often is looked while someone waits for a slot."""
GRANTS_AHEAD = 6
"""So many slots a decoder has to write to at a time."""
LINGER_SECONDS = 0.05
"""A frame of a job waits so long at most for others to travel with."""

TRACED_FRAMES, TRACED_EVERY = 32, 128
"""So many frames of a session have spans in any case; after them a message every so many."""
MOST_SPANS_A_FRAME = 6
"""Of one that travels alone: waiting and work of its decoding, of detect and of render."""
FOLLOWED_FRAMES = 3500
"""Of a session whose every frame is to have spans so many have: with their spans they have room in what a gateway keeps
of one trace (half of VISAVIS_TRACE_SPANS, of which a tenth is for what is around frames)."""

_Entry = tuple[CapturedFrame, float, int]
"""A sealed frame, the milliseconds that it took to come, and when it was sealed (ns since 1970)."""


class FramePump:
    """One session's frames, from the decoder to the bus."""

    def __init__(self, lane: Lane, session: str, models: ModelChoice) -> None:
        """models: by which detect is to find the faces."""
        self._lane = lane
        self.pool: FramePool = lane.pool
        """Where its frames lie; to be said before anything is granted."""
        self._session = session
        self._models = models
        self._wants_people = False
        self._is_watchful = False
        self._is_still = False
        self._every_frame = False
        self._granted: set[int] = set()
        self._granting: asyncio.Task[None] | None = None
        self.frames = 0
        """How many were told."""

    @asynccontextmanager
    async def granting(self, decoding: Decoding, facts: Facts) -> AsyncIterator[None]:
        """Keep the decoder in slots to write to, within the context."""
        self._granting = asyncio.create_task(self._grant(decoding, facts))
        try:
            yield
        finally:
            await _ended(self._granting)

    async def run(
        self,
        decoding: Decoding,
        facts: Facts,
        begun: SessionBegun,
        waited_ms: float,
        *,
        people: bool = False,
        watchful: bool = False,
    ) -> None:
        """Until the decoder has no more. Raises what decoding, granting or telling raises, as soon as it does.

        people, watchful: as FramesCaptured has them.
        """
        self._wants_people = people
        self._is_watchful = watchful
        self._is_still = isinstance(facts, StillFacts)
        self._every_frame = asks_for_every_frame()
        ready: asyncio.Queue[_Entry | None] = asyncio.Queue()
        reading = asyncio.create_task(self._read(decoding, facts, begun, ready))
        telling = asyncio.create_task(self._tell(ready, begun, waited_ms))
        tasks = {reading, telling}
        if (granting := self._granting) is not None:
            tasks.add(granting)
            reading.add_done_callback(lambda _: granting.cancel())
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                if not task.cancelled():
                    task.result()
        finally:
            await _ended(reading, telling)

    def take_back(self) -> None:
        """Slots that were granted and never written come back. Only when the decoder is dead."""
        for slot in self._granted:
            self.pool.abandon(slot)
        self._granted.clear()

    async def _read(
        self, decoding: Decoding, facts: Facts, begun: SessionBegun, ready: asyncio.Queue[_Entry | None]
    ) -> None:
        last = time.perf_counter()
        async for frame in decoding.frames():
            now = time.perf_counter()
            ready.put_nowait((self._sealed(frame, facts, begun), (now - last) * 1000, time.time_ns()))
            last = now
        ready.put_nowait(None)

    def _sealed(self, frame: DecodedFrame, facts: Facts, begun: SessionBegun) -> CapturedFrame:
        self._granted.remove(frame.slot)
        reference = self.pool.seal(frame.slot, facts.geometry, facts.colour, begun.row)
        self._lane.told.pixels += facts.geometry.width * facts.geometry.height
        return CapturedFrame(reference, frame.sequence, frame.pts, frame.duration)

    async def _grant(self, decoding: Decoding, facts: Facts) -> None:
        size = facts.geometry.size_bytes
        is_still = isinstance(facts, StillFacts)
        while True:
            share = 1 if is_still else self._lane.share(size, self.pool)
            if len(self._granted) < GRANTS_AHEAD and self.pool.ledger.count_of(self._session) < share:
                slot = self.pool.lease(size, self._session)
                if slot is not None:
                    self._granted.add(slot)
                    decoding.grant(slot, *self.pool.extent(slot))
                    continue
            self.pool.sweep()
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
                    if len(batch) >= self._full:
                        return batch, False
                    entry = await ready.get()
        except TimeoutError:
            return batch, False
        return batch, True

    @property
    def _full(self) -> int:
        """Frames that a message carries."""
        return 1 if self._is_still or self._is_followed else self._lane.frames_per_message

    @property
    def _is_followed(self) -> bool:
        """Whether frames travel one by one now, because each is to have its spans."""
        return self._every_frame and self.frames < FOLLOWED_FRAMES

    async def _publish(self, batch: list[_Entry], begun: SessionBegun, waited_ms: float) -> None:
        if self._is_followed:
            for frame, took_ms, sealed_ns in batch:
                begun_ns = sealed_ns - round(took_ms * 1e6)
                self._lane.telemetry.spent("decode", begun_ns, begun_ns, sealed_ns, frame=frame.sequence, frames=1)
        worked_ms = sum(worked for _, worked, _ in batch) / len(batch)
        hop = Hop(self._lane.telemetry.service, round(waited_ms, 3), round(worked_ms, 3), len(batch))
        message = FramesCaptured(
            lane=self._lane.name,
            session=self._session,
            worker=begun.worker,
            frames=tuple(frame for frame, *_ in batch),
            models=self._models,
            people=self._wants_people,
            watchful=self._is_watchful,
            hops=(hop,),
        )
        is_traced = self._is_followed or self.frames < TRACED_FRAMES or self.frames % TRACED_EVERY < len(batch)
        headers = self._lane.telemetry.headers(sampled=is_traced)
        await self._lane.bus.publish(message.subject, wire.encode(message), headers)
        self._lane.telemetry.record(hop)
        self.frames += len(batch)


async def _ended(*tasks: asyncio.Task[None]) -> None:
    """End tasks, however far they are."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
