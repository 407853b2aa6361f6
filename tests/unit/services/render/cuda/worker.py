"""A render worker whose sessions' frames lie on a card or on the host, and the hands of ingest and detect."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from services.render.cuda.fetching import Fetched
from services.render.own.effects import OwnEffect, OwnEffects
from services.render.own.offering import offer_of
from services.render.reading import LaneFrames
from services.render.service import RenderService
from services.render.settings import RenderSettings
from shared.cuda.pictures import CardPicture
from shared.memory.host import HostPool
from shared.memory.lane_reader import LaneReader
from shared.memory.layout import SlotClass
from shared.memory.reader import HostReader
from shared.model.frames import CapturedFrame, DetectedFrame, FacesDetected, FramesEnded
from shared.model.hops import Hop
from shared.model.jobs import JobEvent, Want
from shared.model.looks import Look
from shared.model.sessions import BeginSession, EndSession, SessionBegun, SessionRefused
from shared.runtime.pasts import Pasts
from shared.runtime.stage import Passage
from shared.runtime.telemetry import Telemetry
from shared.testing import MemoryBus, MemoryContext, MemoryMessage
from shared.transport import wire
from shared.transport.store import ObjectStore
from tests.cuda.likeness import in_turn
from visavis.effects import FaceView, effect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

    from services.render.nvenc.encoders import CardEncoders
    from shared.cuda.device import Device
    from shared.memory.card_pool import CardPool
    from shared.model.faces import Face
    from shared.model.frames import FrameReference, LiveMark
    from shared.model.pictures import Picture
    from tests.cuda.lanes import EmulatedLane

SLOTS = SlotClass(8, 1 << 20)


@effect("Reddens some pixels in the middle.")
def dot(face: FaceView) -> None:
    x, y = face.parts["nose-tip"][0].astype(int)
    face.rgb[y - 4 : y + 4, x - 4 : x + 4] = (255, 0, 0)


DOT = OwnEffects({dot.name: OwnEffect(dot, offer_of(dot), "a test")})
"""An effect of others, which a card cannot draw."""


class CountedReader(LaneReader):
    """Remembers what was released."""

    def __init__(self, *pools: Any) -> None:
        super().__init__(*pools)
        self.released: list[FrameReference] = []

    def release(self, reference: FrameReference) -> None:
        self.released.append(reference)
        super().release(reference)


class Counted(Telemetry):
    """Remembers what was fetched."""

    fetched = Fetched()

    def count_fetched(self, fetched: Mapping[str, int]) -> None:
        super().count_fetched(fetched)
        self.fetched = Fetched(**fetched)


class Worker:
    """Of a lane with both pools."""

    def __init__(
        self,
        folder: Path,
        lane: EmulatedLane,
        slots: SlotClass = SLOTS,
        parallel: int = 2,
        encoders: CardEncoders | None = None,
    ) -> None:
        self.settings = RenderSettings(
            var=folder, worker="w", render_sessions=4, render_parallel=parallel, x264_crf=0, x264_threads=1
        )
        self.settings.render_work.mkdir(parents=True)
        self.lane = lane
        self.devices: list[Device] = []
        self.host, self.card = HostPool.create(folder / "host", (slots,)), lane.own(slots)
        self.readers = HostReader(folder / "host", "w"), lane.reader("w")
        for reader in self.readers:
            reader.open()
        self.reader = CountedReader(*self.readers)
        self.bus, self.store = MemoryBus(), ObjectStore.open(self.settings.store)
        self.telemetry = Counted("render", self.settings, lambda _: None)
        frames, pasts = LaneFrames(self.reader, self._open, encoders), Pasts(MemoryContext())
        self.service = RenderService(self.settings, self.bus, self.store, pasts, frames, self.telemetry, DOT)

    def _open(self) -> Device:
        self.devices.append(type(self.lane.device)())
        return self.devices[-1]

    async def close(self) -> None:
        await self.service.close()
        self.telemetry.close()
        self.reader.close()
        self.card.close()
        self.host.close()

    def pool(self, *, on_card: bool) -> HostPool | CardPool:
        return self.card if on_card else self.host

    async def begin(self, session: str, *, on_card: bool, **wanted: Any) -> SessionBegun | SessionRefused:
        fields = {"want": Want.PICTURE, "look": Look(), "job": session} | wanted
        request = BeginSession(session=session, epoch=self.pool(on_card=on_card).epoch, **fields)
        body = await self.service.begin(MemoryMessage("", wire.encode(request), {}))
        return wire.decode(body, wire.decoder(SessionBegun | SessionRefused))

    async def end(self, session: str) -> None:
        await self.service.end(MemoryMessage("", wire.encode(EndSession(session=session)), {}))

    def frame(
        self, number: int, picture: Picture, faces: Sequence[Face] = (), live: LiveMark | None = None, *, on_card: bool
    ) -> DetectedFrame:
        """Written and sealed."""
        pool = self.pool(on_card=on_card)
        slot = pool.lease(picture.geometry.size_bytes, "s")
        assert slot is not None
        if on_card:
            picture = in_turn(picture)
        target: Any = pool.writable(slot, picture.geometry, picture.colour)
        if isinstance(target, CardPicture):
            CardPicture.uploaded(self.lane.device, picture).copy_to(self.lane.device, target)
            self.card.written(slot, self.lane.device)
        else:
            picture.copy_to(target)
        reference = pool.seal(slot, picture.geometry, picture.colour, self.readers[on_card].row)
        return DetectedFrame(CapturedFrame(reference, number, number * 40, 40, live), tuple(faces), None, ())

    async def draw(self, session: str, *frames: DetectedFrame) -> list[Any]:
        message = FacesDetected("local", session, "w", frames, (Hop("ingest", 1, 2), Hop("detect", 3, 4)))
        return list(await self.service.draw(Passage(message, 1, 0.5, time.perf_counter())))

    async def no_more(self, session: str, frames: int) -> list[Any]:
        message = FramesEnded("local", session, "w", frames)
        return list(await self.service.draw(Passage(message, 1, 0.5, time.perf_counter())))

    def events(self) -> list[Any]:
        return [wire.decode(kept.body, wire.decoder(JobEvent)) for kept in self.bus.kept("jobs.event.*.*")]

    def slots_in_use(self) -> int:
        for pool in (self.host, self.card):
            pool.sweep()
        return self.host.ledger.in_use + self.card.ledger.in_use


@asynccontextmanager
async def working(folder: Path, lane: EmulatedLane, **more: Any) -> AsyncIterator[Worker]:
    worker = Worker(folder, lane, **more)
    try:
        yield worker
    finally:
        await asyncio.shield(worker.close())


def trembling(picture: Picture, number: int) -> Picture:
    """The same picture with other grain, different for every number."""
    noise = np.random.default_rng(number)
    planes = tuple(np.clip(p + noise.integers(-3, 4, p.shape), 16, 235).astype(np.uint8) for p in picture.planes)
    return type(picture).over(picture.geometry, picture.colour, np.concatenate([plane.ravel() for plane in planes]))
