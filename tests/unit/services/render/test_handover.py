"""The ways out of render: the object store, the client of a still, and whoever can try again."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from services.render.handover import Handover, OwnedSession
from services.render.live import LiveOutlet
from services.render.measuring import RenderMeasures
from services.render.past import PastKeeper
from services.render.precedence import Precedence
from services.render.reading import LaneFrames
from services.render.session import RenderSession, SessionState
from services.render.settings import RenderSettings
from services.render.sinks import FacesSink, StillSink
from shared.memory.lane_reader import LaneReader
from shared.memory.layout import CARD_BIT
from shared.memory.reader import HostReader
from shared.model.hops import Hop
from shared.model.jobs import JobEvent, SegmentDone, SegmentFailed, Want, part_key
from shared.model.live import FromLane, LiveBeat, LiveFinished
from shared.model.looks import Look
from shared.model.media import MediaKind, StillFacts, VideoFacts
from shared.model.pictures import Colour, Geometry, PixelFormat
from shared.model.sessions import BeginSession, ForClient, SessionFailed, StillFinished, live_out
from shared.runtime.pasts import Pasts
from shared.runtime.telemetry import Telemetry
from shared.testing import MemoryBus, MemoryContext
from shared.transport import wire
from shared.transport.store import ObjectStore
from tests.scrapes import value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.runtime.metrics import Metrics

VIDEO = VideoFacts(
    geometry=Geometry(PixelFormat.I420, 64, 48), colour=Colour(), time_base=(1, 25), frame_rate=(25, 1)
)  # fmt: skip
STILL = StillFacts(geometry=Geometry(PixelFormat.RGB24, 64, 48), kind=MediaKind.PNG)


@dataclass
class Exit:
    """What is handed over, and where it arrives."""

    handover: Handover
    bus: MemoryBus
    store: ObjectStore
    folder: Path

    def segment(self) -> tuple[OwnedSession, FacesSink]:
        sink = FacesSink(self.folder / "s", VIDEO)
        return _owned(VIDEO, sink, job="j"), sink

    async def heard(self, owned: OwnedSession, sink: StillSink | None = None) -> Any:
        async with self.bus.listen(live_out("s")) as messages:
            if sink is None:
                await self.handover.failure(owned)
            else:
                await self.handover.still(owned, sink, Hop("render", 5, 6))
            return wire.decode((await anext(messages)).body, wire.decoder(ForClient))


def _owned(facts: VideoFacts | StillFacts, sink: Any, job: str = "") -> OwnedSession:
    begun = BeginSession(session="s", epoch=1, want=Want.FACES, look=Look(), facts=facts, job=job, segment=2)
    reading = LaneFrames(LaneReader(HostReader(Path("nowhere"), "w"))).begin(begun.epoch, lambda _: None)
    return OwnedSession(begun, reading, sink, RenderSession(Look(), sink))


@pytest.fixture
def way_out(tmp_path: Path) -> Iterator[Exit]:
    folder = tmp_path / "work"
    folder.mkdir()
    telemetry = Telemetry("render", RenderSettings(), lambda _: None)
    bus, store = MemoryBus(), ObjectStore.open((tmp_path / "objects").as_uri())
    drawing = Precedence(1)
    yield Exit(Handover(bus, store, telemetry, drawing, RenderMeasures(telemetry.metrics)), bus, store, folder)
    drawing.close()
    telemetry.close()


async def test_a_part_lies_under_the_name_of_its_segment_and_nowhere_else(way_out: Exit) -> None:
    done = await way_out.handover.part(*way_out.segment())
    assert (type(done), done.job, done.segment, done.session) == (SegmentDone, "j", 2, "s")
    assert await way_out.store.get(part_key("j", 2)) == b""
    assert list(way_out.folder.iterdir()) == []


async def test_what_a_segment_says_of_itself_is_of_its_own_frames(way_out: Exit) -> None:
    """Those that it only warms up with are told by the segment before."""
    owned, sink = way_out.segment()
    owned.session.state = SessionState(frames_done=30, faces_done=4)
    owned.session.frames_written = 12
    [progressed] = owned.progress()
    assert (progressed.job, progressed.segment, progressed.frames, progressed.faces) == ("j", 2, 12, 4)
    done = await way_out.handover.part(owned, sink)
    assert (done.frames, done.faces) == (12, 4)


async def test_the_failure_of_a_segment_is_an_event_of_its_job(way_out: Exit) -> None:
    owned, _ = way_out.segment()
    await way_out.handover.failure(owned)
    [event] = way_out.bus.kept("jobs.event.j.2")
    failed = wire.decode(event.body, wire.decoder(JobEvent))
    assert (type(failed), failed.segment) == (SegmentFailed, 2)
    assert list(way_out.folder.iterdir()) == []


async def test_frames_of_jobs_are_counted_by_what_became_of_their_segment(way_out: Exit, metrics: Metrics) -> None:
    way_out.handover._measures = RenderMeasures(metrics)
    owned, sink = way_out.segment()
    owned.session.frames_written = 12
    await way_out.handover.part(owned, sink)
    failing, _ = way_out.segment()
    await way_out.handover.failure(failing)
    assert value(metrics, "visavis_frames_total", kind="job", outcome="delivered") == 12
    assert value(metrics, "visavis_frames_total", outcome="failed", reason="internal", where="render") == 1


async def test_the_failure_of_a_still_goes_to_its_client(way_out: Exit) -> None:
    failed = await way_out.heard(_owned(STILL, StillSink(STILL, None)))
    assert isinstance(failed, SessionFailed)
    assert way_out.bus.kept("jobs.event.*.*") == []


async def test_the_answer_to_a_still_has_renders_last_word_on_its_own_time(way_out: Exit) -> None:
    sink = StillSink(STILL, None)
    owned = _owned(STILL, sink)
    owned.hops.extend((Hop("ingest", 1, 2), Hop("detect", 2, 3), Hop("render", 0, 0)))
    finished = await way_out.heard(owned, sink)
    assert isinstance(finished, StillFinished)
    assert finished.hops == (Hop("ingest", 1, 2), Hop("detect", 2, 3), Hop("render", 5, 6))


def test_a_still_has_no_progress(way_out: Exit) -> None:
    assert _owned(STILL, StillSink(STILL, None)).progress() == []


def test_a_job_tells_its_progress_not_more_often_than_anyone_reads(way_out: Exit) -> None:
    owned, sink = way_out.segment()
    assert [len(owned.progress()) for _ in range(3)] == [1, 0, 0]
    owned.told = time.monotonic() - 60
    assert len(owned.progress()) == 1
    sink.abort()


async def test_while_a_sink_that_fails_waits_for_its_encoder_the_loop_goes_on(way_out: Exit) -> None:
    class Busy(StillSink):
        def abort(self) -> None:
            assert let.wait(10)

    let = threading.Event()
    failing = asyncio.create_task(way_out.handover.failure(_owned(STILL, Busy(STILL, None))))
    await asyncio.sleep(0.01)
    let.set()
    await failing


async def test_until_the_outputs_of_a_live_session_are_complete_it_is_worked_on(way_out: Exit) -> None:
    outlet = LiveOutlet(way_out.bus, way_out.handover._telemetry, "s", PastKeeper(Pasts(MemoryContext()), "c"))
    complete = asyncio.Event()
    async with way_out.bus.listen(live_out("s")) as messages:

        async def outputs() -> None:
            await complete.wait()

        ending = asyncio.create_task(way_out.handover.live_end(outlet, outputs()))
        said = [wire.decode((await anext(messages)).body, wire.decoder(FromLane))]
        assert not ending.done()
        complete.set()
        await ending
        said.append(wire.decode((await anext(messages)).body, wire.decoder(FromLane)))
    assert said == [LiveBeat(), LiveFinished()]


def test_a_session_makes_way_for_a_newer_attempt_and_for_a_newer_life_of_its_pool() -> None:
    owned = _owned(VIDEO, StillSink(STILL, None), job="j")
    other = msgspec.structs.replace(owned.begun, session="t", segment=3)
    assert not owned.is_outdated_by(other)
    assert owned.is_outdated_by(msgspec.structs.replace(other, session="s"))
    assert owned.is_outdated_by(msgspec.structs.replace(other, segment=2))
    assert owned.is_outdated_by(msgspec.structs.replace(other, epoch=5))
    assert not owned.is_outdated_by(msgspec.structs.replace(other, epoch=1 | CARD_BIT))  # the lane's other pool
