"""Detect as a function from message to message, over a real pool."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest

from services.detect import hints
from services.detect.batching import Batches
from services.detect.contracts import Detection
from services.detect.cuda.pictures import CardView
from services.detect.finding import How
from services.detect.models.registry import SELFIE_NAME
from services.detect.opening import open_models
from services.detect.service import DetectService, Sight
from shared.memory.host import HostPool
from shared.memory.lane_reader import LaneReader
from shared.memory.layout import SlotClass
from shared.memory.reader import HostReader
from shared.model.errors import FrameLost, Late, Rejected
from shared.model.faces import Face
from shared.model.frames import CapturedFrame, FacesDetected, FramesCaptured, LiveMark
from shared.model.offers import ModelChoice
from shared.model.people import PeopleMask
from shared.model.pictures import Colour, Geometry, PixelFormat
from shared.runtime.stage import Passage
from shared.testing import MAX_BODY_BYTES
from shared.transport import wire
from tests.cuda.lanes import EmulatedLane

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from services.detect.batching import Search
    from shared.model.pictures import Picture

SIZE = Geometry(PixelFormat.I420, 32, 16)
NV12 = Geometry(PixelFormat.NV12, 32, 16)


class Finder:
    """Finds a face (or a crowd of it) in every picture, scored as its first sample; remembers what it was asked."""

    def __init__(self) -> None:
        self.hints: list[list[float] | None] = []
        self.asked: list[How] = []
        self.glances: list[tuple[int, int]] = []
        self.watched = 0
        self.crowd = 1
        self.wait: Callable[[float], object] = float
        self.look: Callable[[float], object] = float

    def glance(self, picture: Picture, turn: int) -> list[Detection]:
        self.glances.append((int(picture.planes[0][0, 0]), turn))
        self.look(float(picture.planes[0][0, 0]))
        return [Detection((0, 0, 1, 1), np.zeros((5, 2), np.float32), 0.5)]

    def watch(self, picture: Picture) -> Search[list[Detection]]:
        yield from ()
        self.watched += 1
        return [Detection((7, 0, 9, 2), np.full((6, 2), 8, np.float32), 0.5)]

    def search(self, picture: Picture, hint: Sequence[Face] | None, how: How) -> Search[list[Face]]:
        yield from ()
        self.hints.append(None if hint is None else [face.score for face in hint])
        self.asked.append(how)
        sample = float(picture.planes[0][0, 0])
        self.wait(sample)
        return [Face.of(np.zeros((468, 3), np.float32), sample)] * self.crowd if sample else []


class Segmenter:
    """Says that people are everywhere, as surely as the first sample; remembers which pictures it was shown."""

    def __init__(self) -> None:
        self.shown: list[int] = []
        self.mask: Callable[[int], NDArray[np.uint8]] = lambda sample: np.full((4, 4), sample, np.uint8)

    def segment(self, picture: Picture) -> PeopleMask:
        self.shown.append(int(picture.planes[0][0, 0]))
        return PeopleMask.of(self.mask(self.shown[-1]))


class Finders:
    """One finder for every request, but for those that name a model."""

    batches = Batches()

    def __init__(self) -> None:
        self.finder = Finder()
        self.segmenter = Segmenter()

    def of(self, choice: ModelChoice) -> Finder:
        if choice.detector:
            raise Rejected("unknown-model", "No such model.")
        return self.finder

    def named(self, choice: ModelChoice) -> ModelChoice:
        return ModelChoice(choice.detector or "blazeface", choice.landmarks or "face-mesh")


class Desk:
    """A detect worker of two threads and the pool that it reads."""

    def __init__(self, folder: Path) -> None:
        self.pool = HostPool.create(folder / "pool", (SlotClass(12, SIZE.size_bytes),))
        self.readers = [HostReader(folder / "pool", name) for name in ("d1", "d2")]
        finders = Finders()
        self.finder, self.segmenter = finders.finder, finders.segmenter
        self.service = DetectService(finders, [Sight(LaneReader(one)) for one in self.readers], detect_every=4)

    def frame(self, sequence: int, sample: int | None = None) -> CapturedFrame:
        slot = self.pool.lease(SIZE.size_bytes, "s")
        assert slot is not None
        for plane in self.pool.writable(slot, SIZE, Colour()).planes:
            plane[:] = sequence if sample is None else sample
        return CapturedFrame(self.pool.seal(slot, SIZE, Colour(), self.readers[0].row), sequence, sequence * 40)

    async def detect(self, *frames: CapturedFrame, session: str = "s", **wanted: int) -> FacesDetected:
        message = FramesCaptured("local", session, "w", frames, **wanted)
        [found] = await self.service.detect(Passage[Any](message, 1, 0.0, time.perf_counter()))
        return found


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.service.close()
    for reader in made.readers:
        reader.close()
    made.pool.close()


async def test_the_faces_of_each_frame_go_to_the_worker_that_owns_the_session(desk: Desk) -> None:
    frames = [desk.frame(1), desk.frame(2)]
    found = await desk.detect(*frames)
    assert (found.lane, found.session, found.worker) == ("local", "s", "w")
    assert [frame.captured for frame in found.frames] == frames
    assert [[face.score for face in frame.faces] for frame in found.frames] == [[1], [2]]


async def test_a_face_is_followed_from_frame_to_frame_and_from_message_to_message(desk: Desk) -> None:
    await desk.detect(desk.frame(1), desk.frame(2))
    await desk.detect(desk.frame(3))
    assert desk.finder.hints == [None, [1], [2]]


async def test_every_frame_of_a_watchful_message_is_watched_and_its_faces_are_those_of_any_other(desk: Desk) -> None:
    watched = await desk.detect(*(desk.frame(number) for number in range(6)), session="watched", watchful=True)
    asked, desk.finder.asked = desk.finder.asked, []
    usual = await desk.detect(*(desk.frame(number) for number in range(6)))
    assert [frame.sightings for frame in watched.frames] == [((7, 0, 9, 2),)] * 6
    assert [frame.sightings for frame in usual.frames] == [None] * 6
    assert desk.finder.watched == 6
    assert [frame.faces for frame in watched.frames] == [frame.faces for frame in usual.frames]
    assert asked == desk.finder.asked


async def test_a_frame_on_a_card_is_looked_at_by_its_threads_device(tmp_path: Path) -> None:
    lane, finders = EmulatedLane(tmp_path), Finders()
    shown: list[Any] = []
    finders.finder.search = lambda picture, *_: _nobody(shown.append(picture))
    pool, reader = lane.own(SlotClass(2, NV12.size_bytes)), lane.reader()
    sight = Sight(LaneReader(HostReader(tmp_path / "none", "h"), reader), lane.device)
    service = DetectService(finders, [sight], detect_every=4)
    slot = pool.lease(NV12.size_bytes, "s")
    lane.write(pool, slot, NV12, Colour(), 7)
    reader.open()
    frame = CapturedFrame(pool.seal(slot, NV12, Colour(), reader.row), 0, 0)
    message = FramesCaptured("local", "s", "w", (frame,))
    [found] = await service.detect(Passage[Any](message, 1, 0.0, time.perf_counter()))
    assert found.frames[0].captured == frame
    [view] = shown
    assert isinstance(view, CardView)
    assert (view.device, view.geometry) == (lane.device, NV12)
    service.close()
    reader.close()
    pool.close()


def _nobody(_: None) -> Search[list[Face]]:
    yield from ()
    return []


async def test_that_no_face_was_there_is_a_hint_too(desk: Desk) -> None:
    await desk.detect(desk.frame(1, sample=0))
    await desk.detect(desk.frame(2))
    assert desk.finder.hints == [None, []]


@pytest.mark.parametrize("sequence", [2, 1, 0, 2 + hints.STALE_FRAMES + 1], ids=["again", "older", "first", "late"])
async def test_a_hint_counts_only_for_frames_that_follow_soon(desk: Desk, sequence: int) -> None:
    await desk.detect(desk.frame(2))
    await desk.detect(desk.frame(sequence, sample=1))
    assert desk.finder.hints == [None, None]


async def test_after_a_gap_the_hint_is_said_to_be_stale(desk: Desk) -> None:
    await desk.detect(desk.frame(2))
    await desk.detect(desk.frame(5), desk.frame(6))
    assert desk.finder.hints == [None, [2], [5]]
    assert [how.stale for how in desk.finder.asked][1:] == [True, False]


async def test_a_hint_counts_only_for_its_own_session(desk: Desk) -> None:
    await desk.detect(desk.frame(1))
    await desk.detect(desk.frame(2), session="other")
    assert desk.finder.hints == [None, None]


async def test_new_faces_are_looked_for_every_few_frames(desk: Desk) -> None:
    await desk.detect(*(desk.frame(number) for number in range(6)))
    assert [how.detect for how in desk.finder.asked] == [True, False, False, False, True, False]


async def test_searches_are_numbered_and_one_without_a_hint_is_thorough(desk: Desk) -> None:
    await desk.detect(*(desk.frame(number) for number in (0, 1, 4, 5, 8)))
    await desk.detect(desk.frame(8), session="other")
    assert [how.turn for how in desk.finder.asked] == [0, 1, 1, 1, 2, 0]


async def test_what_is_remembered_of_sessions_is_bounded(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hints, "SESSIONS", 2)
    for name in ("oldest", "older", "newest"):
        await desk.detect(desk.frame(1), session=name)
    for name in ("older", "oldest"):
        await desk.detect(desk.frame(2), session=name)
    assert desk.finder.hints[3:] == [[1], None]


async def test_a_frame_that_is_gone_is_lost_and_no_faces_are_told(desk: Desk) -> None:
    frame = desk.frame(1)
    stale = msgspec.structs.replace(frame.reference, generation=frame.reference.generation + 1)
    with pytest.raises(FrameLost):
        await desk.detect(msgspec.structs.replace(frame, reference=stale))
    assert desk.finder.hints == []


async def test_a_frame_whose_slot_is_used_again_meanwhile_is_lost(desk: Desk) -> None:
    frame = desk.frame(1)

    def taken_away(_: float) -> None:
        desk.pool.end_session("s", confirmed=True)
        desk.pool.lease(SIZE.size_bytes, "other")

    desk.finder.wait = taken_away
    with pytest.raises(FrameLost):
        await desk.detect(frame)


async def test_a_crowd_goes_in_messages_that_the_bus_takes(desk: Desk) -> None:
    desk.finder.crowd = 64
    message = FramesCaptured("local", "s", "w", tuple(desk.frame(number) for number in range(1, 6)))
    found = await desk.service.detect(Passage[Any](message, 1, 0.0, time.perf_counter()))
    assert [[frame.captured.sequence for frame in one.frames] for one in found] == [[1, 2], [3, 4], [5]]
    assert max(len(wire.encode(one)) for one in found) < MAX_BODY_BYTES


async def test_people_are_told_from_their_background_in_every_frame_of_who_asks(desk: Desk) -> None:
    found = await desk.detect(desk.frame(1), desk.frame(2), people=True)
    masks = [frame.people for frame in found.frames]
    assert [mask and mask.alpha[0, 0] for mask in masks] == [1, 2]
    assert [[face.score for face in frame.faces] for frame in found.frames] == [[1], [2]]


async def test_who_does_not_ask_for_masks_pays_nothing_for_them(desk: Desk) -> None:
    found, _ = await asyncio.gather(
        desk.detect(desk.frame(1), session="plain"), desk.detect(desk.frame(2), session="asks", people=True)
    )
    assert found.frames[0].people is None
    assert desk.segmenter.shown == [2]


async def test_sixteen_frames_with_masks_are_far_below_what_the_bus_takes(
    desk: Desk, clip: Callable[[str, int], list[Picture]], models_folder: Path
) -> None:
    [picture] = clip("two_heads.mp4", 1)
    mask = open_models(models_folder).segmenter(SELFIE_NAME).segment(picture).alpha
    desk.segmenter.mask = lambda _: mask
    found = await desk.detect(*(desk.frame(number % 12 + 1) for number in range(12)), people=True)
    assert len(wire.encode(found)) < MAX_BODY_BYTES // 4


async def test_masks_that_do_not_pack_go_in_messages_that_the_bus_takes(desk: Desk) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (256, 256), np.uint8)
    desk.segmenter.mask, desk.finder.crowd = (lambda _: noise), 8
    frames = tuple(desk.frame(number) for number in range(1, 13))
    message = FramesCaptured("local", "s", "w", frames, people=True)
    found = await desk.service.detect(Passage[Any](message, 1, 0.0, time.perf_counter()))
    assert [frame.captured for one in found for frame in one.frames] == list(frames)
    assert len(found) == 2
    assert max(len(wire.encode(one)) for one in found) < MAX_BODY_BYTES


async def test_detect_never_releases_a_frame(desk: Desk) -> None:
    """Render does, when it has drawn it."""
    desk.readers[0].open()
    await desk.detect(desk.frame(1))
    desk.pool.sweep()
    assert desk.pool.ledger.in_use == 1


async def test_a_message_without_frames_is_dropped(desk: Desk) -> None:
    with pytest.raises(Late):
        await desk.detect()


async def test_a_request_for_models_that_are_not_there_is_rejected(desk: Desk) -> None:
    message = FramesCaptured("local", "s", "w", (desk.frame(1),), models=ModelChoice(detector="none"))
    with pytest.raises(Rejected):
        await desk.service.detect(Passage[Any](message, 1, 0.0, time.perf_counter()))


async def test_two_sessions_are_worked_on_side_by_side(desk: Desk) -> None:
    both = threading.Barrier(2, timeout=10)
    desk.finder.wait = lambda _: both.wait()
    await asyncio.gather(*(desk.detect(desk.frame(1), session=name) for name in "ab"))


async def test_a_message_waits_for_the_faces_of_the_one_before_it(desk: Desk) -> None:
    await asyncio.gather(desk.detect(desk.frame(3)), desk.detect(desk.frame(4)), desk.detect(desk.frame(5)))
    assert desk.finder.hints == [None, [3], [4]]


async def test_a_message_that_begins_with_a_search_is_glanced_at_while_it_waits(desk: Desk) -> None:
    both = threading.Barrier(2, timeout=10)
    desk.finder.wait = lambda sample: sample == 3 and both.wait()
    desk.finder.look = lambda _: both.wait()
    await asyncio.gather(desk.detect(desk.frame(3)), desk.detect(desk.frame(4), desk.frame(5)))
    assert desk.finder.glances == [(4, 1)]
    seen = [how.seen for how in desk.finder.asked]
    assert [one and one[0].score for one in seen] == [None, 0.5, None]


async def test_a_glance_at_a_frame_that_is_gone_loses_its_message_only(desk: Desk) -> None:
    go, gone = threading.Event(), desk.frame(4)
    stale = msgspec.structs.replace(gone.reference, generation=gone.reference.generation + 1)
    desk.finder.wait = lambda _: go.wait(10)
    first = asyncio.create_task(desk.detect(desk.frame(3)))
    lost = asyncio.create_task(desk.detect(msgspec.structs.replace(gone, reference=stale)))
    last = asyncio.create_task(desk.detect(desk.frame(5)))
    await asyncio.sleep(0)
    go.set()
    assert [one.frames[0].faces[0].score for one in await asyncio.gather(first, last)] == [3, 5]
    with pytest.raises(FrameLost):
        await lost


async def test_sessions_that_wait_are_found_together_and_one_that_fails_costs_the_others_nothing(desk: Desk) -> None:
    go = threading.Event()
    desk.finder.wait = lambda sample: sample in {1, 2} and go.wait(10)
    busy = [asyncio.create_task(desk.detect(desk.frame(n), session=f"busy{n}")) for n in (1, 2)]
    frame = desk.frame(3)
    stale = msgspec.structs.replace(frame.reference, generation=frame.reference.generation + 1)
    lost = asyncio.create_task(desk.detect(msgspec.structs.replace(frame, reference=stale), session="lost"))
    others = [asyncio.create_task(desk.detect(desk.frame(n), session=f"other{n}")) for n in (5, 6, 7)]
    await asyncio.sleep(0)
    go.set()
    found = await asyncio.gather(*busy, *others)
    assert [one.frames[0].faces[0].score for one in found] == [1, 2, 5, 6, 7]
    with pytest.raises(FrameLost):
        await lost


async def test_waiting_for_a_thread_is_told_as_waiting(desk: Desk) -> None:
    message = FramesCaptured("local", "s", "w", (desk.frame(1),))
    passage = Passage[Any](message, 1, 5.0, time.perf_counter() - 100)
    await desk.service.detect(passage)
    assert passage.waited_ms > 100_000
    assert passage.hop("detect").worked_ms < 100_000


async def test_the_hint_of_a_later_message_is_not_replaced_by_that_of_an_earlier_one(desk: Desk) -> None:
    await desk.detect(desk.frame(8))
    await desk.detect(desk.frame(4))
    await desk.detect(desk.frame(9))
    assert desk.finder.hints[-1] == [8]


async def test_a_service_that_is_closed_begins_with_nothing_more(desk: Desk) -> None:
    troubles: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, trouble: troubles.append(trouble))
    begun, go = threading.Barrier(2, timeout=10), threading.Event()
    desk.finder.wait = lambda _: begun.wait() >= 0 and go.wait(10)
    tasks = [asyncio.create_task(desk.detect(desk.frame(number))) for number in (1, 2)]
    await asyncio.to_thread(begun.wait)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    go.set()
    desk.service.close()
    await asyncio.sleep(0.01)
    assert (desk.finder.hints, troubles) == ([None], [])


async def test_a_frame_whose_deadline_has_passed_is_not_looked_at_and_says_so(desk: Desk) -> None:
    late = msgspec.structs.replace(desk.frame(2), live=LiveMark(2, 1, 1))
    young = msgspec.structs.replace(desk.frame(3), live=LiveMark(3, 1, time.time_ns() + 10**12))
    found = await desk.detect(desk.frame(1), late, young)
    assert [(frame.is_late, len(frame.faces)) for frame in found.frames] == [(False, 1), (True, 0), (False, 1)]
    assert [how.stale for how in desk.finder.asked] == [False, True]


async def test_a_message_of_late_frames_only_leaves_the_hint_of_those_before(desk: Desk) -> None:
    await desk.detect(desk.frame(1))
    await desk.detect(msgspec.structs.replace(desk.frame(2), live=LiveMark(2, 1, 1)))
    await desk.detect(desk.frame(3))
    assert desk.finder.hints == [None, [1]]


async def test_under_pressure_new_faces_are_looked_for_as_seldom_as_the_message_says(desk: Desk) -> None:
    await desk.detect(*[desk.frame(number) for number in range(8)], search_every=8)
    assert [how.detect for how in desk.finder.asked] == [True, *[False] * 7]


async def test_a_message_is_noted_with_the_models_that_it_is_found_by(desk: Desk) -> None:
    message = FramesCaptured("local", "s", "w", (desk.frame(1),))
    passage = Passage[Any](message, 1, 0.0, time.perf_counter())
    await desk.service.detect(passage)
    assert passage.notes.facts == {"detector": "blazeface", "landmarks": "face-mesh"}
