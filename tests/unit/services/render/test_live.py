"""What goes out of a live session, over the bus: frames, the end, and its past."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

from services.render import live as live_module
from services.render.live import LiveOutlet
from services.render.past import PastKeeper
from services.render.session import RenderSession
from shared.model.live import FromLane, LiveBeat, LiveFinished, LiveFrame
from shared.model.looks import Look
from shared.model.sessions import CHUNK_BYTES, live_out
from shared.runtime.pasts import Pasts
from shared.runtime.settings import ServiceSettings
from shared.runtime.telemetry import Telemetry
from shared.testing import MAX_BODY_BYTES, MemoryBus, MemoryContext
from shared.transport import wire
from tests.unit.services.render.live import Blank

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


LOOK = Look(smooth=0.5)


class Wire:
    """An outlet and what came out of it."""

    def __init__(self) -> None:
        self.bus = MemoryBus()
        self.telemetry = Telemetry("render", ServiceSettings(), lambda _: None)
        self.contexts = MemoryContext()
        self.outlet = LiveOutlet(self.bus, self.telemetry, "s", PastKeeper(Pasts(self.contexts), "c"))
        self.came: list[Any] = []

    async def listen(self, listening: asyncio.Event) -> None:
        async with self.bus.listen(live_out("s")) as messages:
            listening.set()
            async for received in messages:
                assert len(received.body) <= MAX_BODY_BYTES
                self.came.append(wire.decode(received.body, wire.decoder(FromLane)))


@pytest.fixture
async def out() -> AsyncIterator[Wire]:
    made, listening = Wire(), asyncio.Event()
    task = asyncio.create_task(made.listen(listening))
    await listening.wait()
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await made.outlet.close()
    made.telemetry.close()


def frame(number: int, body: bytes = b"x") -> LiveFrame:
    return LiveFrame(number=number, pts=0, dts=0, key=True, look=0, body=body, arrived_ns=0)


async def test_what_threads_emit_comes_in_order_and_the_end_comes_last(out: Wire) -> None:
    thread = threading.Thread(target=lambda: [out.outlet.emit(frame(number)) for number in range(50)])
    thread.start()
    await asyncio.to_thread(thread.join)
    await out.outlet.finish()
    await asyncio.sleep(0.01)
    assert [one.number for one in out.came[:-1]] == list(range(50))
    assert out.came[-1] == LiveFinished()


async def test_a_large_frame_comes_in_parts(out: Wire) -> None:
    body = bytes(range(256)) * (CHUNK_BYTES * 5 // 2 // 256)
    out.outlet.emit(frame(3, body))
    await out.outlet.finish()
    await asyncio.sleep(0.01)
    parts = out.came[:-1]
    assert [(one.number, one.more) for one in parts] == [(3, True), (3, True), (3, False)]
    assert b"".join(one.body for one in parts) == body


async def test_it_keeps_the_past_and_is_closed_when_that_is_kept(out: Wire) -> None:
    out.outlet.keep(RenderSession(LOOK, Blank()))
    await out.outlet.close()
    kept = await Pasts(out.contexts).find("c")
    assert kept is not None
    assert kept.look == LOOK


async def test_it_beats_until_it_need_not(out: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "BEAT_SECONDS", 0.001)
    beating = asyncio.create_task(out.outlet.beat())
    while len(out.came) < 3:  # noqa: ASYNC110  -- what comes tells nobody
        await asyncio.sleep(0.001)
    beating.cancel()
    assert set(out.came) == {LiveBeat()}
