"""Stills over the bus: opened, fed in chunks, refused, or told what is wrong."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from services.ingest.stills import StillService
from shared.model.errors import Rejected
from shared.model.jobs import Want
from shared.model.looks import Look
from shared.model.offers import ModelChoice
from shared.model.sessions import (
    BeginSession,
    Chunk,
    ForClient,
    OpenSession,
    SessionFailed,
    SessionOpened,
    SessionRefused,
    live_in,
    live_out,
)
from shared.testing import MemoryMessage
from shared.transport import wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.ingest.decoders.making import ReadStill
    from shared.model.media import StillFacts

MOST_BYTES = 100


class Desk:
    """The still service of a lane, and a client of it."""

    def __init__(self, rig: Any, facts: StillFacts) -> None:
        self.rig = rig
        self.facts = facts
        self.read: list[ReadStill] = []
        self.headers: dict[str, str] = {}
        self.service = StillService(rig.lane, 2, MOST_BYTES)
        rig.decode = self._decode
        rig.scripted(1, facts)

    def _decode(self, task: ReadStill) -> Any:
        self.read.append(task)
        return self.rig.decoding

    async def open(self, session: str = "s", body: bytes = b"one", **wanted: Any) -> SessionOpened | SessionRefused:
        fields: dict[str, Any] = {"complete": True, "deadline_unix_seconds": time.time() + 20, "reply_kind": None}
        fields |= {"want": Want.FACES, "look": Look()}
        request = OpenSession(session=session, body=body, **(fields | wanted))
        answer = await self.service.open(MemoryMessage("", wire.encode(request), self.headers))
        return wire.decode(answer, wire.decoder(SessionOpened | SessionRefused))

    async def failure(self, session: str = "s", chunks: tuple[bytes, ...] = (), **wanted: Any) -> SessionFailed:
        """What a client is told whose still comes to nothing."""
        async with asyncio.timeout(10), self.rig.bus.listen(live_out(session)) as messages:
            await self.open(session, **wanted)
            for chunk in chunks:
                await self.rig.bus.send(live_in(session), chunk)
            failed = wire.decode((await anext(messages)).body, wire.decoder(ForClient))
        assert isinstance(failed, SessionFailed)
        return failed


@pytest.fixture
async def desk(rig: Any, still_facts: StillFacts) -> AsyncIterator[Desk]:
    made = Desk(rig, still_facts)
    yield made
    await made.service.close()


async def test_a_still_goes_to_a_render_worker_and_its_slots_come_back(desk: Desk) -> None:
    assert await desk.open() == SessionOpened(lane="local")
    await desk.rig.until(lambda: desk.service.room == 2)
    [begun] = desk.rig.render.begun
    assert isinstance(begun, BeginSession)
    assert (begun.session, begun.frames, begun.job, begun.facts) == ("s", 1, "", desk.facts)
    assert (desk.rig.in_use(), desk.rig.render.ended) == (0, [])


async def test_a_large_still_comes_in_chunks(desk: Desk) -> None:
    await desk.open(complete=False)
    for body, last in ((b" two", False), (b" three", True)):
        await desk.rig.bus.send(live_in("s"), wire.encode(Chunk(body=body, last=last)))
    await desk.rig.until(lambda: desk.service.room == 2)
    assert [task.data for task in desk.read] == [b"one two three"]


async def test_its_trace_tells_waited_from_worked_and_names_the_session(desk: Desk) -> None:
    with desk.rig.telemetry.span("gateway"):
        desk.headers = desk.rig.telemetry.headers()
    await desk.open()
    await desk.rig.until(lambda: desk.service.room == 2)
    _, wait, work = desk.rig.spans()
    assert (wait.name, work.name) == ("ingest.wait", "ingest")
    assert 0 < wait.start_time_unix_nano <= wait.end_time_unix_nano == work.start_time_unix_nano
    assert [(one.key, one.value.string_value) for one in work.attributes] == [("visavis.session", "s")]


async def test_the_models_that_a_still_wants_travel_with_its_frame(desk: Desk) -> None:
    models = ModelChoice(detector="scrfd-500m")
    await desk.open(models=models)
    await desk.rig.until(lambda: desk.service.room == 2)
    assert [message.models for message in desk.rig.render.taken] == [models]


async def test_more_stills_than_there_is_room_for_are_refused(desk: Desk) -> None:
    for name in ("one", "two"):
        await desk.open(name, complete=False)
    refused = await desk.open("three")
    assert isinstance(refused, SessionRefused)
    assert refused.retry_after_seconds > 0


async def test_the_client_is_told_what_is_wrong_with_its_picture(desk: Desk) -> None:
    desk.rig.scripted(error=Rejected("unsupported-media", "This is no picture."))
    failed = await desk.failure()
    assert (failed.problem.code, failed.problem.detail) == ("unsupported-media", "This is no picture.")


async def test_chunks_without_end_are_refused(desk: Desk) -> None:
    endless = wire.encode(Chunk(body=bytes(MOST_BYTES), last=False))
    failed = await desk.failure(complete=False, chunks=(endless,))
    assert failed.problem.code == "too-large"
    assert "max_still_bytes" in failed.problem.detail


async def test_a_chunk_that_cannot_be_read_ends_the_session(desk: Desk) -> None:
    failed = await desk.failure(complete=False, chunks=(b"\xff no chunk",))
    assert failed.problem.code == "unavailable"
    await desk.rig.until(lambda: desk.service.room == 2)


async def test_the_client_is_told_when_the_render_worker_dies(desk: Desk) -> None:
    desk.rig.render.draws = False
    async with desk.rig.bus.listen(live_out("s")) as messages:
        await desk.open()
        await desk.rig.until(lambda: desk.rig.render.taken)
        desk.rig.render.reader.close()
        failed = wire.decode((await anext(messages)).body, wire.decoder(ForClient))
    assert failed.problem.code == "unavailable"
    await desk.rig.until(lambda: desk.rig.in_use() == 0)


async def test_a_still_that_nobody_waits_for_any_more_is_dropped(desk: Desk) -> None:
    await desk.open(complete=False, deadline_unix_seconds=time.time() + 0.05)
    await desk.rig.until(lambda: desk.service.room == 2)
    assert desk.read == []


async def test_a_still_that_render_keeps_beyond_its_deadline_is_ended(desk: Desk) -> None:
    desk.rig.render.draws = False
    await desk.open(deadline_unix_seconds=time.time() + 2)
    await desk.rig.until(lambda: desk.service.room == 2)
    assert desk.rig.render.ended == ["s"]
    assert desk.rig.in_use() == 0


async def test_nothing_runs_on_when_the_service_is_closed(desk: Desk) -> None:
    await desk.open(complete=False)
    await desk.service.close()
    await asyncio.sleep(0)
    assert desk.service.room == 2
