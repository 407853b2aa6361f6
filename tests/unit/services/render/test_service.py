"""Sessions over the in-memory bus, a real pool and a real store."""

from __future__ import annotations

import asyncio
import io
import json
import threading
import time
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import av
import msgspec
import numpy as np
import pytest
import structlog
from PIL import Image

from services.render import past as past_module
from services.render import service as service_module
from services.render.drawing import Painter
from services.render.handover import PROGRESS_SECONDS
from services.render.layouts.frontal import frontal
from services.render.outputs.making import OutletMaker
from services.render.own import watching
from services.render.own.effects import OwnEffect, OwnEffects
from services.render.own.offering import offer_of
from services.render.reading import LaneFrames
from services.render.service import RenderService
from services.render.settings import RenderSettings
from shared.memory.host import HostPool
from shared.memory.lane_reader import LaneReader
from shared.memory.layout import SlotClass
from shared.memory.reader import HostReader
from shared.model.assets import PreparedLut, PreparedPicture, asset_key, pack
from shared.model.effects import Background, Grade, Sticker
from shared.model.errors import FrameLost, Late, Rejected, Unavailable
from shared.model.faces import Face, Layout
from shared.model.frames import CapturedFrame, DetectedFrame, FacesDetected, FramesEnded, LiveMark
from shared.model.hops import Hop
from shared.model.jobs import JobEvent, JobProgressed, Problem, SegmentDone, SegmentFailed, Want, part_key
from shared.model.live import (
    FromLane,
    LiveBeat,
    LiveCodec,
    LiveFinished,
    LiveFrame,
    LiveInput,
    LiveOutput,
    LiveSettings,
    LookPrepared,
    LookRefused,
    PrepareLook,
    RecordOutput,
)
from shared.model.looks import Look
from shared.model.media import MediaKind, Span, StillFacts, VideoFacts
from shared.model.pictures import Colour, Geometry, PixelFormat
from shared.model.sessions import (
    CHUNK_BYTES,
    BeginSession,
    Chunk,
    EndSession,
    ForClient,
    SessionBegun,
    SessionEnded,
    SessionFailed,
    SessionRefused,
    StillFinished,
    live_out,
)
from shared.runtime.pasts import Pasts
from shared.runtime.stage import Passage
from shared.runtime.telemetry import Telemetry
from shared.testing import MemoryBus, MemoryContext, MemoryMessage
from shared.transport import wire
from shared.transport.store import ObjectStore
from visavis.effects import FaceView, effect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from shared.model.frames import FrameReference
    from shared.model.pictures import Picture

VIDEO = VideoFacts(
    geometry=Geometry(PixelFormat.I420, 64, 48), colour=Colour(), time_base=(1, 1000), frame_rate=(25, 1),
    frames_expected=4,
)  # fmt: skip
STILL = StillFacts(geometry=Geometry(PixelFormat.RGB24, 640, 480), kind=MediaKind.PNG)
HAT = "0" * 32
WITH_HAT = Look(stickers=(Sticker(asset=HAT),))
FACE = Face.of(np.random.default_rng(1).uniform(5, 40, (468, 3)).astype(np.float32), 0.75)


@effect("Fails.")
def stumble(face: FaceView) -> None:
    raise RuntimeError("oh")


class GatedReader(HostReader):
    """A reader whose frames can be looked at only while the gate is open."""

    def __init__(self, path: Path, name: str) -> None:
        super().__init__(path, name)
        self.gate = threading.Event()
        self.gate.set()
        self.free: set[FrameReference] = set()
        """Those that the gate is always open for."""
        self.reading = threading.Event()

    @contextmanager
    def read(self, reference: FrameReference) -> Iterator[Picture]:
        with super().read(reference) as picture:
            self.reading.set()
            assert reference in self.free or self.gate.wait(10)
            yield picture


class Worker:
    """One render worker, and the hands of ingest and detect."""

    def __init__(self, folder: Path) -> None:
        self.settings = RenderSettings(var=folder, worker="w", render_sessions=2, render_parallel=1)
        self.settings.render_work.mkdir(parents=True)
        self.pool_path = folder / "pool"
        self.pool = self.new_pool()
        self.reader = GatedReader(self.pool_path, "w")
        self.bus = MemoryBus()
        self.store = ObjectStore.open(self.settings.store)
        self.telemetry = Telemetry("render", self.settings, lambda _: None)
        effects = OwnEffects({one.name: OwnEffect(one, offer_of(one), "a test") for one in (stumble,)})
        self.contexts = MemoryContext()
        pasts, frames = Pasts(self.contexts), LaneFrames(LaneReader(self.reader))
        self.service = RenderService(self.settings, self.bus, self.store, pasts, frames, self.telemetry, effects)

    def close(self) -> None:
        self.reader.close()
        self.pool.close()

    def new_pool(self) -> HostPool:
        return HostPool.create(self.pool_path, (SlotClass(6, STILL.geometry.size_bytes),))

    async def begin(self, session: str = "s", **wanted: Any) -> SessionBegun | SessionRefused:
        fields: dict[str, Any] = {"want": Want.FACES, "look": Look(), "facts": VIDEO, "job": "j"}
        request = BeginSession(session=session, epoch=self.pool.epoch, **(fields | wanted))
        body = await self.service.begin(MemoryMessage("", wire.encode(request), {}))
        return wire.decode(body, wire.decoder(SessionBegun | SessionRefused))

    async def end(self, session: str = "s") -> SessionEnded:
        body = await self.service.end(MemoryMessage("", wire.encode(EndSession(session=session)), {}))
        return wire.decode(body, wire.decoder(SessionEnded))

    def frame(self, sequence: int, facts: VideoFacts | StillFacts = VIDEO) -> DetectedFrame:
        slot = self.pool.lease(facts.geometry.size_bytes, "s")
        assert slot is not None
        noise = np.random.default_rng(sequence)
        for plane in self.pool.writable(slot, facts.geometry, facts.colour).planes:
            plane[:] = noise.integers(0, 256, plane.shape)
        reference = self.pool.seal(slot, facts.geometry, facts.colour, self.reader.row)
        return DetectedFrame(CapturedFrame(reference, sequence, sequence * 40, 40), (FACE,))

    async def draw(self, *frames: DetectedFrame, session: str = "s") -> list[Any]:
        message = FacesDetected("local", session, "w", frames, (Hop("ingest", 1, 2), Hop("detect", 3, 4)))
        return list(await self.service.draw(Passage(message, 1, 0.5, time.perf_counter())))

    async def no_more(self, frames: int, session: str = "s") -> list[Any]:
        message = FramesEnded("local", session, "w", frames)
        return list(await self.service.draw(Passage(message, 1, 0.5, time.perf_counter())))

    def events(self) -> list[Any]:
        return [wire.decode(kept.body, wire.decoder(JobEvent)) for kept in self.bus.kept("jobs.event.*.*")]

    def files(self) -> list[Path]:
        return list(self.settings.render_work.iterdir())

    def slots_in_use(self) -> int:
        self.pool.sweep()
        return self.pool.ledger.in_use


@pytest.fixture
async def worker(tmp_path: Path) -> AsyncIterator[Worker]:
    worker = Worker(tmp_path)
    async with AsyncExitStack() as stack:
        stack.callback(worker.close)
        stack.callback(worker.telemetry.close)
        stack.push_async_callback(worker.service.close)
        yield worker


async def test_a_segment_is_stored_when_all_its_frames_are_drawn_in_order(worker: Worker) -> None:
    await worker.begin()
    late, *others = [worker.frame(number) for number in range(4)]
    await worker.draw(*others)
    await worker.no_more(4)
    [done] = await worker.draw(late)
    assert (type(done), done.session, done.frames, done.faces) == (SegmentDone, "s", 4, 4)
    lines = (await worker.store.get(part_key("j", 0))).splitlines()
    assert [json.loads(line)["frame"] for line in lines] == [0, 1, 2, 3]
    assert (worker.files(), worker.slots_in_use(), worker.service.room) == ([], 0, 2)


PART = Span(begins=0, start=80, end=None, first=250, warm=2, frames=2)


async def test_a_part_of_a_video_has_its_own_frames_and_the_one_before_them(worker: Worker) -> None:
    await worker.begin(segment=3, span=PART)
    [progressed] = await worker.draw(*[worker.frame(number) for number in range(4)])
    assert (progressed.segment, progressed.frames, progressed.faces) == (3, 2, 2)
    [done] = await worker.no_more(4)
    assert (done.segment, done.frames, done.faces) == (3, 2, 2)
    lines = [json.loads(line) for line in (await worker.store.get(part_key("j", 3))).splitlines()]
    assert [line["frame"] for line in lines] == [251, 252, 253]
    assert {face["track"] for line in lines for face in line["faces"]} == {1}
    assert (worker.files(), worker.slots_in_use(), worker.service.room) == ([], 0, 2)


async def test_a_part_of_a_drawn_video_begins_at_the_cut(worker: Worker) -> None:
    await worker.begin(want=Want.PICTURE, segment=3, span=PART)
    await worker.draw(*[worker.frame(number) for number in range(4)])
    [done] = await worker.no_more(4)
    assert (done.segment, done.frames) == (3, 2)
    body = await worker.store.get(part_key("j", 3))
    with av.open(io.BytesIO(body)) as part:
        video = part.streams.video[0]
        assert [round(float(frame.pts * frame.time_base), 3) for frame in part.decode(video)] == [0.08, 0.12]


async def test_a_part_that_fails_says_which_it_is(worker: Worker) -> None:
    await worker.begin(segment=3, span=PART)
    await worker.service.draw(refused(worker.frame(0), "s"))
    [failed] = worker.events()
    assert (type(failed), failed.segment) == (SegmentFailed, 3)
    assert worker.slots_in_use() == 0


async def test_the_times_of_all_hops_travel_with_the_result(worker: Worker) -> None:
    await worker.begin()
    await worker.draw(worker.frame(0))
    [done] = await worker.no_more(1)
    assert [hop.hop for hop in done.timings] == ["ingest", "detect", "render"]
    assert [hop.waited_p50_ms for hop in done.timings[:2]] == [1, 3]
    assert done.timings[2].waited_p50_ms >= 0.5  # until it came, and then until it was drawn


async def test_a_redelivered_message_is_ignored(worker: Worker) -> None:
    await worker.begin()
    frame = worker.frame(0)
    await worker.draw(frame)
    await worker.draw(frame)
    [done] = await worker.no_more(1)
    assert done.frames == 1


async def test_a_message_for_a_session_that_is_over_is_late(worker: Worker) -> None:
    await worker.begin()
    frame = worker.frame(0)
    await worker.draw(frame)
    await worker.no_more(1)
    with pytest.raises(Late):
        await worker.draw(frame)


async def test_progress_is_told_at_once_and_then_now_and_then(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    await worker.begin(attempt=3)
    [first] = await worker.draw(worker.frame(0))
    assert isinstance(first, JobProgressed)
    assert (first.attempt, first.segment, first.frames) == (3, 0, 1)
    clock = time.monotonic
    assert await worker.draw(worker.frame(1)) == []
    monkeypatch.setattr(time, "monotonic", lambda: clock() + PROGRESS_SECONDS)
    [second] = await worker.draw(worker.frame(2))
    assert second.frames == 3


async def test_a_lost_frame_fails_the_session_and_tells_ingest(worker: Worker) -> None:
    await worker.begin()
    frame = worker.frame(0)
    stale = msgspec.structs.replace(frame.captured.reference, generation=frame.captured.reference.generation + 1)
    with pytest.raises(FrameLost):
        await worker.draw(DetectedFrame(msgspec.structs.replace(frame.captured, reference=stale), ()))
    [failed] = worker.events()
    assert (type(failed), failed.session) == (SegmentFailed, "s")
    assert (worker.files(), worker.service.room) == ([], 2)


def refused(frame: DetectedFrame, session: str) -> Passage[Any]:
    problem = Problem("unknown-model", "There is no such model here.")
    return Passage(FacesDetected("local", session, "w", (frame,), problem=problem), 1, 0.5, time.perf_counter())


async def test_a_segment_that_detect_refuses_fails_with_its_reason(worker: Worker) -> None:
    await worker.begin()
    passage = refused(worker.frame(0), "s")
    assert await worker.service.draw(passage) == ()
    assert passage.notes.failed == "unknown-model", "what its trace says"
    [failed] = worker.events()
    assert (type(failed), failed.problem.code) == (SegmentFailed, "unknown-model")
    assert (worker.files(), worker.slots_in_use(), worker.service.room) == ([], 0, 2)


async def test_the_client_of_a_still_that_detect_refuses_is_told_and_the_slot_is_free(worker: Worker) -> None:
    await worker.begin("still", facts=STILL, job="", frames=1)
    async with worker.bus.listen(live_out("still")) as messages:
        await worker.service.draw(refused(worker.frame(0, STILL), "still"))
        failed = wire.decode((await anext(messages)).body, wire.decoder(ForClient))
    assert failed == SessionFailed(problem=Problem("unknown-model", "There is no such model here."))
    assert worker.slots_in_use() == 0


async def test_a_look_that_cannot_be_drawn_is_told_and_not_a_dead_letter(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise Rejected("unsupported-look", "Not on five points.")

    monkeypatch.setattr(Painter, "draw", refuse)
    await worker.begin(want=Want.PICTURE, look=Look(smooth=1))
    await worker.draw(worker.frame(0))
    assert [event.problem.code for event in worker.events()] == ["unsupported-look"]


async def test_a_look_is_drawn_with_its_assets(worker: Worker) -> None:
    picture = PreparedPicture(width=1, height=1, frames=(bytes((0, 255, 0, 255)),), durations_ms=(0,))
    await worker.store.put(asset_key(HAT), pack(picture))
    await worker.begin("still", want=Want.PICTURE, look=WITH_HAT, facts=STILL, job="", frames=1)
    finished, *_ = await heard(worker, "still", 2)
    assert isinstance(finished, StillFinished)


async def test_who_waits_for_a_look_whose_asset_is_gone_is_told(worker: Worker) -> None:
    await worker.begin("still", want=Want.PICTURE, look=WITH_HAT, facts=STILL, job="", frames=1)
    [failed] = await heard(worker, "still", 1)
    assert isinstance(failed, SessionFailed)
    assert failed.problem.code == "unknown-asset"
    assert (worker.slots_in_use(), worker.service.room) == (0, 2)


async def test_where_only_faces_are_wanted_no_asset_is_missed(worker: Worker) -> None:
    await worker.begin("still", want=Want.FACES, look=WITH_HAT, facts=STILL, job="", frames=1)
    [finished] = await heard(worker, "still", 1)
    assert isinstance(finished, StillFinished)


async def test_a_part_that_cannot_be_stored_fails_the_session(
    worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.transport.patient_store.PATIENCE_SECONDS", 0.1)
    await worker.begin()
    await worker.draw(worker.frame(0))
    (tmp_path / "objects" / "jobs").write_bytes(b"a file where the store needs a folder")
    with pytest.raises(Unavailable):
        await worker.no_more(1)
    assert [type(event) for event in worker.events()] == [SegmentFailed]
    assert (worker.files(), worker.service.room) == ([], 2)


async def test_a_newer_attempt_replaces_an_older_one(worker: Worker) -> None:
    await worker.begin("old")
    await worker.begin("new", attempt=2)
    assert [path.name for path in worker.files()] == ["new"]
    with pytest.raises(Late):
        await worker.draw(worker.frame(0), session="old")


async def test_another_segment_of_the_same_job_replaces_nothing(worker: Worker) -> None:
    await worker.begin("first", segment=0)
    await worker.begin("second", segment=1)
    assert worker.service.room == 0


async def test_a_session_that_is_begun_again_takes_room_once(worker: Worker) -> None:
    """Who asked did not hear the first answer and asks again."""
    await worker.begin("still", facts=STILL, job="", frames=1)
    assert isinstance(await worker.begin("still", facts=STILL, job="", frames=1), SessionBegun)
    assert worker.service.room == 1


async def test_sessions_of_an_older_life_of_the_pool_make_room(worker: Worker) -> None:
    for name in ("one", "two"):
        await worker.begin(name, job=name)
    worker.pool.close()
    worker.pool = worker.new_pool()
    assert isinstance(await worker.begin("three", job="three"), SessionBegun)
    assert [path.name for path in worker.files()] == ["three"]


async def test_a_session_that_does_not_fit_is_refused(worker: Worker) -> None:
    for name in ("one", "two"):
        await worker.begin(name, job=name)
    assert isinstance(await worker.begin("three", job="three"), SessionRefused)


async def test_a_session_is_told_the_row_that_holds_its_frames(worker: Worker) -> None:
    begun = await worker.begin()
    assert begun == SessionBegun(worker="w", row=worker.reader.row)
    assert worker.pool.is_alive(begun.row)


async def test_the_end_is_confirmed_only_after_the_frame_in_hand_is_done(worker: Worker) -> None:
    await worker.begin()
    worker.reader.gate.clear()
    drawing = asyncio.create_task(worker.draw(worker.frame(0)))
    await asyncio.to_thread(worker.reader.reading.wait, 10)
    ending = asyncio.create_task(worker.end())
    await asyncio.wait((ending,), timeout=0.1)
    assert not ending.done()
    worker.reader.gate.set()
    assert await ending == SessionEnded(session="s")
    assert drawing.done()
    assert worker.files() == []


async def test_what_somebody_waits_for_is_drawn_while_jobs_have_all_their_threads(worker: Worker) -> None:
    await worker.begin("a")
    worker.reader.gate.clear()
    jobs = [asyncio.create_task(worker.draw(worker.frame(number), session="a")) for number in range(2)]
    await asyncio.to_thread(worker.reader.reading.wait, 10)
    await worker.begin("s", job="", facts=STILL, frames=1)
    still = worker.frame(0, STILL)
    worker.reader.free.add(still.captured.reference)
    await asyncio.wait_for(worker.draw(still), 10)
    assert not [one for one in jobs if one.done()]
    worker.reader.gate.set()
    await asyncio.gather(*jobs)


async def test_a_draw_that_is_cancelled_ends_with_its_frame_and_not_before(worker: Worker) -> None:
    await worker.begin(want=Want.PICTURE)
    worker.reader.gate.clear()
    drawing = asyncio.create_task(worker.draw(worker.frame(0)))
    await asyncio.to_thread(worker.reader.reading.wait, 10)
    drawing.cancel()
    await asyncio.wait((drawing,), timeout=0.1)
    assert not drawing.done()
    worker.reader.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await drawing
    assert [type(event) for event in worker.events()] == [SegmentFailed]
    assert worker.files() == []


async def test_the_end_of_an_unknown_session_is_confirmed_at_once(worker: Worker) -> None:
    assert await worker.end("never heard of") == SessionEnded(session="never heard of")


async def test_sessions_without_frames_for_long_are_dropped(worker: Worker) -> None:
    await worker.begin("idle", job="idle")
    since = time.monotonic()
    await worker.begin("busy", job="busy")
    await worker.draw(worker.frame(0), session="busy")
    await worker.service.drop_idle(since)
    assert [path.name for path in worker.files()] == ["busy"]


async def test_nothing_is_left_when_the_worker_stops(worker: Worker) -> None:
    await worker.begin("faces")
    await worker.begin("video", job="other", want=Want.PICTURE)
    await worker.service.close()
    assert worker.files() == []


async def heard(worker: Worker, session: str, count: int) -> list[Any]:
    """What a client hears of its still, when it is drawn."""
    decoder = wire.decoder(ForClient)
    async with worker.bus.listen(live_out(session)) as messages:
        await worker.draw(worker.frame(0, STILL), session=session)
        return [wire.decode((await anext(messages)).body, decoder) for _ in range(count)]


async def test_a_still_is_answered_with_its_chunks(worker: Worker) -> None:
    await worker.begin("still", want=Want.PICTURE, facts=STILL, job="", frames=1)
    finished, *chunks = await heard(worker, "still", 3)
    assert isinstance(finished, StillFinished)
    assert (finished.width, finished.height, finished.kind) == (640, 480, MediaKind.PNG)
    assert [face.track for face in finished.faces] == [1]
    assert [hop.name for hop in finished.hops] == ["ingest", "detect", "render"]
    assert all(isinstance(chunk, Chunk) and len(chunk.body) <= CHUNK_BYTES for chunk in chunks)
    assert [chunk.last for chunk in chunks] == [False, True]
    assert b"".join(chunk.body for chunk in chunks).endswith(b"IEND\xae\x42\x60\x82")
    assert (worker.slots_in_use(), worker.service.room) == (0, 2)


async def test_a_still_is_answered_in_the_kind_that_is_asked_for(worker: Worker) -> None:
    await worker.begin("still", want=Want.PICTURE, facts=STILL, job="", frames=1, reply_kind=MediaKind.JPEG)
    finished, chunk = await heard(worker, "still", 2)
    assert finished.kind is MediaKind.JPEG
    assert chunk.body.startswith(b"\xff\xd8\xff")


async def test_of_a_still_whose_faces_are_wanted_no_picture_follows(worker: Worker) -> None:
    await worker.begin("still", want=Want.FACES, facts=STILL, job="", frames=1)
    [finished] = await heard(worker, "still", 1)
    assert (finished.kind, len(finished.faces)) == (None, 1)


async def test_the_client_of_a_still_that_fails_is_told(worker: Worker) -> None:
    await worker.begin("still", facts=STILL, job="", frames=1)
    frame = worker.frame(0, STILL)
    worker.pool.end_session("s", confirmed=True)
    worker.pool.lease(STILL.geometry.size_bytes, "other")
    async with worker.bus.listen(live_out("still")) as messages:
        with pytest.raises(FrameLost):
            await worker.draw(frame, session="still")
        failed = wire.decode((await anext(messages)).body, wire.decoder(ForClient))
    assert (type(failed), failed.problem.code) == (SessionFailed, "internal")


async def test_a_segment_whose_effect_is_not_here_fails_with_those_that_are(worker: Worker) -> None:
    await worker.begin(want=Want.PICTURE, look=Look(own={"glow": {}}))
    frame = msgspec.structs.replace(worker.frame(0), faces=())  # no face, and nothing to draw: it is told all the same
    assert await worker.draw(frame) == []
    [failed] = worker.events()
    assert failed.problem == Problem(
        "invalid-look", "The lane that took this has no effect 'glow' of your own; it has: stumble."
    )


async def test_only_who_wants_a_picture_needs_its_effects(worker: Worker) -> None:
    await worker.begin(want=Want.FACES, look=Look(own={"glow": {}}))
    await worker.draw(worker.frame(0))
    [done] = await worker.no_more(1)
    assert done.faces == 1


async def test_an_effect_that_fails_does_not_end_its_session(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "log", structlog.get_logger())
    face = Face.of(frontal(Layout.MESH) * 30 + np.array((32, 24, 0), np.float32), 1.0)
    await worker.begin(want=Want.PICTURE, look=Look(own={"stumble": {}}))
    with structlog.testing.capture_logs() as lines:
        for number in range(3):
            await worker.draw(msgspec.structs.replace(worker.frame(number), faces=(face,)))
        [done] = await worker.no_more(3)
    assert done.frames == 3
    [line] = lines
    assert (line["effect"], line["session"]) == ("stumble", "s")
    assert "RuntimeError: oh" in line["fault"]


PICTURE_WANTED = {"want": Want.PICTURE, "facts": STILL, "job": "", "reply_kind": MediaKind.PNG, "frames": 1}


async def _still(worker: Worker, frame: DetectedFrame) -> list[Any]:
    """What the client of the session hears."""
    async with worker.bus.listen(live_out("s")) as heard:
        await worker.draw(frame)
        answers = aiter(heard)
        first = wire.decode((await anext(answers)).body, wire.decoder(ForClient))
        if isinstance(first, SessionFailed):
            return [first]
        return [first, wire.decode((await anext(answers)).body, wire.decoder(ForClient))]


async def test_the_assets_of_a_look_are_brought_before_its_first_frame(worker: Worker) -> None:
    asset = "a" * 32
    table = np.ones((2, 2, 2, 3), "<f4")  # every colour becomes white
    await worker.store.put(asset_key(asset), pack(PreparedLut(size=2, body=table.tobytes())))
    await worker.begin(look=Look(grade=Grade(asset=asset)), **PICTURE_WANTED)
    _, picture = await _still(worker, worker.frame(0, STILL))
    first = np.asarray(Image.open(io.BytesIO(picture.body)).convert("RGB")) if picture.last else None
    assert first is None or (first == 255).all()
    assert len(picture.body) < 20_000  # nothing is as small as a white picture


async def test_a_look_whose_asset_is_gone_fails_with_its_name(worker: Worker) -> None:
    await worker.begin(look=Look(grade=Grade(asset="b" * 32)), **PICTURE_WANTED)
    [failed] = await _still(worker, worker.frame(0, STILL))
    assert failed.problem.code == "unknown-asset"
    assert "b" * 32 in failed.problem.detail
    assert worker.slots_in_use() == 0


async def test_a_look_that_the_answer_cannot_show_fails_with_what_to_do(worker: Worker) -> None:
    wanted = {**PICTURE_WANTED, "reply_kind": MediaKind.JPEG}
    await worker.begin(look=Look(background=Background(kind="transparent")), **wanted)
    [failed] = await _still(worker, worker.frame(0, STILL))
    assert failed.problem.code == "unsupported-look"
    assert "image/png" in failed.problem.detail


async def test_frames_without_people_are_logged_once(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(service_module.log, "warning", lambda event, **_: said.append(event))
    await worker.begin(want=Want.PICTURE, look=Look(background=Background()))
    for number in range(3):
        await worker.draw(worker.frame(number))
    assert said == ["frames without people"]


LIVE = LiveSettings(input=LiveInput(codec=LiveCodec.H264, width=64, height=48), look=Look())


def live_frame(worker: Worker, number: int, look: int = 0) -> DetectedFrame:
    frame = worker.frame(number)
    mark = LiveMark(number, 0, time.time_ns() + 10**12, look)
    return msgspec.structs.replace(frame, captured=msgspec.structs.replace(frame.captured, live=mark))


@asynccontextmanager
async def told_by(worker: Worker) -> AsyncIterator[list[Any]]:
    """What comes out of session `s` for its client."""
    told: list[Any] = []
    async with worker.bus.listen(live_out("s")) as messages:

        async def listen() -> None:
            decoder = wire.decoder(FromLane | SessionFailed)
            async for received in messages:
                told.extend([wire.decode(received.body, decoder)])

        listening = asyncio.create_task(listen())
        yield told
        await asyncio.sleep(0.01)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def test_a_live_session_tells_each_frame_and_its_end(worker: Worker) -> None:
    async with told_by(worker) as told:
        await worker.begin(live=LIVE, context="c", want=Want.PICTURE, job="")
        for number in range(3):
            await worker.draw(live_frame(worker, number))
        await worker.no_more(3)
    assert [one.number for one in told if isinstance(one, LiveFrame)] == [0, 1, 2]
    assert told[-1] == LiveFinished()
    assert (worker.slots_in_use(), worker.service.room) == (0, 2)


async def test_a_live_session_goes_on_with_the_faces_of_the_one_before(worker: Worker) -> None:
    faces = msgspec.structs.replace(LIVE, want_faces=True)
    async with told_by(worker) as told:
        await worker.begin(live=faces, context="c", want=Want.PICTURE, job="")
        await worker.draw(live_frame(worker, 0))
        await worker.end()
        begun = [
            await worker.begin(live=faces, context=context, resume=True, want=Want.PICTURE, job="")
            for context in ("never", "c")
        ]
        await worker.draw(live_frame(worker, 0))
        await worker.no_more(1)
    assert [one.resumed for one in begun if isinstance(one, SessionBegun)] == [False, True]
    assert [face.track for one in told if isinstance(one, LiveFrame) for face in one.faces] == [1, 1]


async def test_a_live_session_leaves_the_look_in_force_at_once(worker: Worker) -> None:
    async with told_by(worker):
        await worker.begin(live=LIVE, context="c", want=Want.PICTURE, job="")
        await worker.draw(live_frame(worker, 0))
        await look_of(worker, Look(brightness=1.0))
        await worker.draw(live_frame(worker, 1, look=1))
        async with asyncio.timeout(10):
            while (await look_kept(worker)) != Look(brightness=1.0):  # noqa: ASYNC110  -- a task of its own keeps it
                await asyncio.sleep(0.001)
        await worker.end()


async def look_kept(worker: Worker) -> Look | None:
    past = await Pasts(worker.contexts).find("c")
    return past.look if past is not None else None


@pytest.mark.parametrize("lost", ["away", "hanging", "garbage"])
async def test_a_live_session_goes_on_where_its_past_is_lost(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    async def hang(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(past_module, "CLOSE_SECONDS", 0.01)
    await worker.contexts.put("c", b"\xc1", 60)
    worker.contexts.down = lost == "away"
    if lost == "hanging":
        monkeypatch.setattr(worker.contexts, "put", hang)
    async with told_by(worker) as told:
        begun = await worker.begin(live=LIVE, context="c", resume=True, want=Want.PICTURE, job="")
        for number in range(3):
            await worker.draw(live_frame(worker, number))
        await worker.no_more(3)
        async with asyncio.timeout(10):
            while LiveFinished() not in told:  # noqa: ASYNC110  -- what is told appends it
                await asyncio.sleep(0.001)
    assert isinstance(begun, SessionBegun)
    assert not begun.resumed
    assert [one.number for one in told if isinstance(one, LiveFrame)] == [0, 1, 2]


async def look_of(worker: Worker, look: Look, change: int = 1, session: str = "s") -> LookPrepared | LookRefused:
    request = PrepareLook(session=session, look=look, change=change)
    body = await worker.service.prepare_look(MemoryMessage("", wire.encode(request), {}))
    return wire.decode(body, wire.decoder(LookPrepared | LookRefused))


async def test_another_look_is_drawn_from_the_frame_that_says_so(worker: Worker) -> None:
    raw = msgspec.structs.replace(LIVE, output=LiveOutput(codec=LiveCodec.I420))
    async with told_by(worker) as told:
        await worker.begin(live=raw, context="c", want=Want.PICTURE, job="")
        assert await look_of(worker, Look(brightness=1.0)) == LookPrepared()
        await worker.draw(live_frame(worker, 0), live_frame(worker, 1, look=1))
        await worker.no_more(2)
    dark, bright = (np.frombuffer(one.body, np.uint8)[: 64 * 48].mean() for one in told if isinstance(one, LiveFrame))
    assert bright > dark + 20


async def test_a_look_that_cannot_be_drawn_is_refused_and_the_session_goes_on(worker: Worker) -> None:
    await worker.begin(live=LIVE, context="c", want=Want.PICTURE, job="")
    refused = await look_of(worker, WITH_HAT)
    gone = await look_of(worker, Look(), session="other")
    assert isinstance(refused, LookRefused)
    assert isinstance(gone, LookRefused)
    assert (refused.problem.code, gone.problem.code) == ("unknown-asset", "gone")
    await worker.draw(live_frame(worker, 0))
    await worker.end()


async def test_a_live_session_that_pauses_is_not_taken_for_one_that_nobody_feeds(worker: Worker) -> None:
    await worker.begin(live=LIVE, context="c", want=Want.PICTURE, job="")
    await worker.service.drop_idle(time.monotonic() + 600)
    assert worker.service.room == 1
    await worker.service.drop_idle(time.monotonic() + 4000)
    assert worker.service.room == 2


async def test_frames_of_a_session_that_is_over_are_given_back(worker: Worker) -> None:
    await worker.begin(live=LIVE, context="c", want=Want.PICTURE, job="")
    frame = live_frame(worker, 0)
    await worker.end()
    with pytest.raises(Late):
        await worker.draw(frame)
    assert worker.slots_in_use() == 0


async def test_a_worker_whose_encoder_hangs_gives_itself_up(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    given_up = asyncio.Event()
    monkeypatch.setattr(service_module, "STUCK_SECONDS", 0.05)
    worker.service.give_up = given_up.set
    await worker.begin()
    worker.reader.gate.clear()
    drawing = asyncio.create_task(worker.draw(worker.frame(0)))
    async with asyncio.timeout(10):
        await given_up.wait()
    worker.reader.gate.set()
    await drawing


WANTED: dict[str, Any] = {"live": LIVE, "context": "c", "want": Want.PICTURE, "job": ""}
FETCHED = {**WANTED, "live": msgspec.structs.replace(LIVE, input=None)}


class Hanging:
    """An outlet that cannot end before it is let."""

    wants_key = False

    def __init__(self) -> None:
        self.let, self.said = threading.Event(), list[str]()

    def begin(self, *_: object) -> None:
        pass

    open_sound = write = write_sound = begin

    def end(self) -> None:
        self.said.append("over")

    def close(self) -> None:
        assert self.let.wait(10)
        self.said.append("closed")

    def abort(self) -> None:
        self.let.set()


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hanging]:
    """What every output is."""
    one = Hanging()
    monkeypatch.setattr(OutletMaker, "__call__", lambda *_: one)
    yield one
    one.let.set()


async def until(happened: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not happened():  # noqa: ASYNC110  -- threads tell nobody
            await asyncio.sleep(0.001)


async def test_a_session_whose_outputs_end_slowly_holds_up_nobody_and_is_told_over_after_them(
    worker: Worker, hanging: Hanging
) -> None:
    async with told_by(worker) as told:
        await worker.begin(outputs=(RecordOutput(),), **FETCHED)
        await until(lambda: worker.service._sessions["s"].sink.outlets._running)
        await worker.draw(live_frame(worker, 0))
        await worker.no_more(1)
        assert await worker.end() == SessionEnded(session="s")
        await until(lambda: LiveBeat() in told and hanging.said)
        assert (LiveFinished() in told, hanging.said) == (False, ["over"])
        hanging.let.set()
        await until(lambda: LiveFinished() in told)
    assert hanging.said == ["over", "closed"]
    assert [one.number for one in told if isinstance(one, LiveFrame)] == [0]


async def test_a_session_that_is_dropped_does_not_say_to_its_outputs_that_it_is_over(
    worker: Worker, hanging: Hanging
) -> None:
    hanging.let.set()
    await worker.begin(outputs=(RecordOutput(),), **FETCHED)
    await until(lambda: worker.service._sessions["s"].sink.outlets._running)
    await worker.draw(live_frame(worker, 0))
    await worker.end()
    await until(lambda: hanging.said)
    assert hanging.said == ["closed"]


async def test_threads_that_wait_for_something_else_keep_no_frame_waiting(worker: Worker) -> None:
    let = threading.Event()
    waiting = [asyncio.create_task(asyncio.to_thread(let.wait, 10)) for _ in range(64)]
    await worker.begin(**WANTED)
    async with asyncio.timeout(5):
        await worker.draw(live_frame(worker, 0))
        await worker.no_more(1)
    let.set()
    await asyncio.gather(*waiting)


async def test_what_no_encoder_takes_is_refused_with_a_problem_and_leaves_nothing(worker: Worker) -> None:
    small = msgspec.structs.replace(VIDEO, geometry=Geometry(PixelFormat.I420, 16, 8))
    hevc = msgspec.structs.replace(LIVE, output=LiveOutput(codec=LiveCodec.HEVC))
    tasks = asyncio.all_tasks()
    refused = await worker.begin(facts=small, **{**WANTED, "live": hevc})
    assert isinstance(refused, SessionRefused)
    assert refused.problem is not None
    assert refused.problem.code == "unsupported-output"
    assert (asyncio.all_tasks(), worker.service.room) == (tasks, 2)


async def test_a_session_has_its_place_before_its_past_is_there(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = asyncio.Event()

    async def wait(name: str) -> None:
        await there.wait()

    monkeypatch.setattr(worker.contexts, "get", wait)
    beginning = [asyncio.create_task(worker.begin(name, resume=True, **WANTED)) for name in ("one", "one", "two", "x")]
    await asyncio.sleep(0.01)
    assert worker.service.room == 0
    there.set()
    answers = await asyncio.gather(*beginning)
    assert [type(answer) for answer in answers] == [SessionBegun, SessionRefused, SessionBegun, SessionRefused]
