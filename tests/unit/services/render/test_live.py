"""What goes out of a live session, over the bus: frames, the end, and its past."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

from services.render import live as live_module
from services.render.choosing import Choice
from services.render.live import LiveOutlet, past
from services.render.session import SessionState
from shared.model.live import FromLane, LiveBeat, LiveFinished, LiveFrame, context_subject
from shared.model.sessions import CHUNK_BYTES, live_out
from shared.runtime.settings import ServiceSettings
from shared.runtime.telemetry import Telemetry
from shared.testing import MAX_BODY_BYTES, MemoryBus
from shared.transport import wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

STATE = SessionState(frames_done=9, choice=Choice(largest=4))


class Wire:
    """An outlet and what came out of it."""

    def __init__(self) -> None:
        self.bus = MemoryBus()
        self.telemetry = Telemetry("render", ServiceSettings(), lambda _: None)
        self.outlet = LiveOutlet(self.bus, self.telemetry, "s", "c")
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


async def test_a_past_is_kept_now_and_then_and_can_be_gone_on_from(out: Wire) -> None:
    out.outlet.keep(STATE)
    out.outlet.keep(SessionState())
    await out.outlet.close()
    assert await past(out.bus, "c") == STATE.taken_up()
    assert STATE.taken_up() == SessionState(choice=Choice(largest=4), is_taken_up=True)


async def test_the_last_of_a_past_is_kept_in_any_case(out: Wire) -> None:
    out.outlet.keep(SessionState())
    out.outlet.keep(STATE, now=True)
    await out.outlet.close()
    assert await past(out.bus, "c") == STATE.taken_up()


async def test_without_a_past_or_with_one_that_cannot_be_read_a_session_begins_anew(out: Wire) -> None:
    assert await past(out.bus, "unknown") is None
    await out.bus.publish(context_subject("odd"), b"\xc1")
    assert await past(out.bus, "odd") is None


async def test_a_bus_that_keeps_one_waiting_has_no_past(out: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    async def wait(subject: str) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(out.bus, "last", wait)
    monkeypatch.setattr(live_module, "PAST_SECONDS", 0.01)
    assert await past(out.bus, "c") is None


async def test_it_beats_until_it_need_not(out: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "BEAT_SECONDS", 0.001)
    beating = asyncio.create_task(out.outlet.beat())
    while len(out.came) < 3:  # noqa: ASYNC110  -- what comes tells nobody
        await asyncio.sleep(0.001)
    beating.cancel()
    assert set(out.came) == {LiveBeat()}
