"""Carries the frames of a live session into the lane: grants slots within a window, seals, tells detect at once."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, NamedTuple

from services.ingest.live.window import Pressure, Window
from services.ingest.pump import FOLLOWED_FRAMES, SLOT_POLL_SECONDS
from shared.model.frames import CapturedFrame, FramesCaptured, LiveMark
from shared.model.hops import Hop
from shared.runtime.telemetry import asks_for_every_frame
from shared.transport import wire

if TYPE_CHECKING:
    from services.ingest.decoders.making import DecodedFrame, LiveDecoding
    from services.ingest.lane import Lane
    from services.ingest.pump import FramePool
    from shared.model.live import LiveSettings
    from shared.model.looks import Look
    from shared.model.media import Facts
    from shared.model.sessions import SessionBegun

MOST_KNOWN = 1024
"""Packets of which a frame may still come."""
TRACED_EVERY = 32
"""Of a live session's frames so many times fewer have spans than are counted: a span costs more than a frame's hop."""


class _Sealed(NamedTuple):
    """One frame in the pool."""

    frame: CapturedFrame
    hop: Hop
    look: Look
    """That it will be drawn by."""
    sealed_ns: int
    """When it was, nanoseconds since 1970."""


class LivePump:
    """One live session's frames, from the decoder to the bus."""

    def __init__(self, lane: Lane, session: str, settings: LiveSettings) -> None:
        self._lane, self._session = lane, session
        self.pool: FramePool = lane.pool
        """Where its frames lie; to be said before anything is granted."""
        self._models = settings.models
        self._wants_picture = settings.want_picture
        self.window = Window(settings.max_delay_ms / 1000)
        self.pressure = Pressure()
        self._budget_ns = settings.max_delay_ms * 1_000_000
        self._granted: set[int] = set()
        self._spare: list[int] = []
        """Leased, with a frame that nobody wants: for the same decoder only, whose card may not have written it yet."""
        self._under_way: dict[int, float] = {}
        """When each slot that is told was sealed (time.perf_counter)."""
        self._came: dict[int, tuple[int, float]] = {}
        """When a packet arrived at the gateway (ns since 1970), and milliseconds from then to the decoder."""
        self._ready: asyncio.Queue[_Sealed] = asyncio.Queue()
        self._stirred = asyncio.Event()
        self._look, self._change = settings.look, 0
        self._key_wanted = False
        self._last_pts = -(1 << 62)
        self.is_open = True
        """False: no slot is granted; the decoder keeps the newest frames and drops the others."""
        self.frames = 0
        """How many were sealed."""

    def opened(self, *, is_open: bool) -> None:
        """Whether frames are wanted."""
        self.is_open = is_open
        self._stirred.set()

    def draw_by(self, look: Look, change: int) -> None:
        """From the next frame on."""
        self._look, self._change = look, change

    def want_key(self) -> None:
        """The next frame is to be a key frame."""
        self._key_wanted = True

    def came(self, number: int, arrived_ns: int) -> None:
        """A packet goes to the decoder."""
        self._came[number] = (arrived_ns, max(0.0, (time.time_ns() - arrived_ns) / 1e6))
        if len(self._came) > MOST_KNOWN:
            del self._came[next(iter(self._came))]  # not every packet becomes a frame

    def forget(self, number: int) -> None:
        """Nothing comes of a packet."""
        self._came.pop(number, None)

    async def grant(self, decoding: LiveDecoding, facts: Facts) -> None:
        """Keep the decoder in as many slots as the window has, until cancelled."""
        size = facts.geometry.size_bytes
        while True:
            if self.is_open and self._spare:
                self._grant(decoding, self._spare.pop())
                continue
            if self.is_open and self.pool.ledger.count_of(self._session) < self.window.size:
                slot = self.pool.lease(size, self._session)
                if slot is not None:
                    self._grant(decoding, slot)
                    continue
            elif not self._under_way:  # closed, or all slots of the window are the decoder's to write to
                self._stirred.clear()
                await self._stirred.wait()
            self.pool.sweep()
            self._note_released()
            await asyncio.sleep(SLOT_POLL_SECONDS)

    def _grant(self, decoding: LiveDecoding, slot: int) -> None:
        self._granted.add(slot)
        decoding.grant(slot, *self.pool.extent(slot))

    def seal(self, frame: DecodedFrame, facts: Facts, begun: SessionBegun) -> None:
        """The decoder has written a frame: from now on it is immutable, and on its way."""
        self._granted.remove(frame.slot)
        reference = self.pool.seal(frame.slot, facts.geometry, facts.colour, begun.row)
        self._under_way[frame.slot] = time.perf_counter()
        now_ns = time.time_ns()
        arrived_ns, waited_ms = self._came.pop(frame.number, (now_ns, 0.0))
        worked_ms = max(0.0, (now_ns - arrived_ns) / 1e6 - waited_ms)
        mark = LiveMark(frame.number, arrived_ns, arrived_ns + self._budget_ns, self._change, self._key_wanted)
        self._key_wanted = False
        self._last_pts = max(frame.pts, self._last_pts + 1)
        captured = CapturedFrame(reference, self.frames, self._last_pts, frame.duration, mark)
        hop = Hop(self._lane.telemetry.service, round(waited_ms, 3), round(worked_ms, 3))
        self._ready.put_nowait(_Sealed(captured, hop, self._look, now_ns))
        self.frames += 1
        pixels = facts.geometry.width * facts.geometry.height
        self._lane.told.pixels += pixels
        self._lane.told.live_pixels += pixels
        self._stirred.set()

    def drop(self, frame: DecodedFrame) -> int:
        """The decoder has written a frame that nobody wants: its slot waits to be granted again; the frame's number."""
        self._granted.remove(frame.slot)
        self._spare.append(frame.slot)
        self._stirred.set()
        return frame.number

    async def tell(self, begun: SessionBegun) -> None:
        """Tell detect of what is sealed, as soon as it is, until cancelled."""
        every_frame = asks_for_every_frame()
        while True:
            batch = [await self._ready.get()]
            followed = every_frame and batch[0].frame.sequence < FOLLOWED_FRAMES
            while not followed and not self._ready.empty() and len(batch) < self._lane.most_together:
                batch.append(self._ready.get_nowait())
            is_traced = followed or any(one.frame.sequence % TRACED_EVERY == 0 for one in batch)
            await self._publish(batch, begun, is_traced=is_traced)
            for _ in batch:
                self._ready.task_done()

    async def told(self) -> None:
        """Wait until all that is sealed is told."""
        await self._ready.join()

    def take_back(self) -> None:
        """Slots that were granted and never sealed come back. Only when the decoder is dead."""
        for slot in (*self._granted, *self._spare):
            self.pool.abandon(slot)
        self._granted.clear()
        self._spare.clear()

    def _note_released(self) -> None:
        held = set(self.pool.ledger.held())
        for slot in [slot for slot in self._under_way if slot not in held]:
            self.window.took(time.perf_counter() - self._under_way.pop(slot))

    async def _publish(self, batch: list[_Sealed], begun: SessionBegun, *, is_traced: bool) -> None:
        frames = tuple(one.frame for one in batch)
        hop = batch[-1].hop if len(batch) == 1 else _mean([one.hop for one in batch])
        message = FramesCaptured(
            lane=self._lane.name,
            session=self._session,
            worker=begun.worker,
            frames=frames,
            models=self._models,
            people=self._wants_picture and any(one.look.needs_people for one in batch),
            watchful=self._wants_picture and any(one.look.hides_faces for one in batch),
            search_every=self.pressure.search_every,
            hops=(hop,),
        )
        if is_traced:
            self._trace(batch)
        headers = self._lane.telemetry.headers(sampled=is_traced)
        await self._lane.bus.publish(message.subject, wire.encode(message), headers)
        self._lane.telemetry.record(hop)

    def _trace(self, batch: list[_Sealed]) -> None:
        """Say how long these frames were on their way to the decoder, and in it."""
        for frame, hop, _, sealed_ns in batch:
            begun_ns = sealed_ns - round(hop.worked_ms * 1e6)
            sent_ns = begun_ns - round(hop.waited_ms * 1e6)
            self._lane.telemetry.spent("decode", sent_ns, begun_ns, sealed_ns, frame=frame.sequence, frames=1)


def _mean(hops: list[Hop]) -> Hop:
    count = len(hops)
    waited, worked = sum(hop.waited_ms for hop in hops), sum(hop.worked_ms for hop in hops)
    return Hop(hops[0].name, round(waited / count, 3), round(worked / count, 3), count)
