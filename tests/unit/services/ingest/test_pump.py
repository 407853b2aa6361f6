"""Frames on their way from a decoder to the bus."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from services.ingest import lane, pump
from services.ingest.pump import FramePump
from shared.model.errors import Rejected, Unavailable
from shared.model.offers import ModelChoice
from shared.model.pictures import Geometry, PixelFormat
from shared.model.sessions import SessionBegun
from shared.runtime.telemetry import ask_for_every_frame

if TYPE_CHECKING:
    from shared.model.media import Facts, StillFacts, VideoFacts

FOR_EVER = 3600.0
MODELS = ModelChoice(detector="scrfd-500m", landmarks="keypoints")


async def pumped(rig: Any, facts: Facts, **wanted: bool) -> FramePump:
    """Everything that the decoder has, to its end."""
    one = FramePump(rig.lane, "s", MODELS)
    try:
        async with rig.decode(None) as decoding, one.granting(decoding, facts):
            await one.run(decoding, facts, SessionBegun(worker="w", row=rig.render.reader.row), 1.5, **wanted)
    finally:
        one.take_back()
    return one


async def test_messages_are_filled(rig: Any, video_facts: VideoFacts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pump, "LINGER_SECONDS", FOR_EVER)
    rig.scripted(10)
    one = await pumped(rig, video_facts)
    await rig.until(lambda: len(rig.render.taken) == 3)
    assert [len(message.frames) for message in rig.render.taken] == [4, 4, 2]
    sequences = [frame.sequence for message in rig.render.taken for frame in message.frames]
    assert sequences == list(range(10))
    assert one.frames == 10


async def test_a_frame_does_not_wait_long_for_others(rig: Any, video_facts: VideoFacts) -> None:
    decoding = rig.scripted(3)
    decoding.going_on.clear()
    running = asyncio.create_task(pumped(rig, video_facts))
    await rig.until(lambda: sum(len(message.frames) for message in rig.render.taken) == 3)
    decoding.going_on.set()
    assert (await running).frames == 3


async def test_a_message_says_how_long_its_frames_took(rig: Any, video_facts: VideoFacts) -> None:
    rig.scripted(1)
    await pumped(rig, video_facts)
    await rig.until(lambda: rig.render.taken)
    [hop] = rig.render.taken[0].hops
    assert (hop.name, hop.waited_ms, hop.frames) == ("ingest", 1.5, 1)
    assert hop.worked_ms > 0


async def test_a_message_says_which_models_are_wanted(rig: Any, video_facts: VideoFacts) -> None:
    rig.scripted(1)
    await pumped(rig, video_facts)
    await rig.until(lambda: rig.render.taken)
    assert rig.render.taken[0].models == MODELS


@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize("what", ["people", "watchful"])
async def test_a_message_says_whether_people_are_told_from_their_background_and_every_frame_is_watched(
    rig: Any, video_facts: VideoFacts, what: str, asked: bool
) -> None:
    rig.scripted(1)
    await pumped(rig, video_facts, **{what: asked})
    await rig.until(lambda: rig.render.taken)
    assert getattr(rig.render.taken[0], what) is asked


async def test_a_session_never_holds_more_slots_than_its_share(rig: Any, video_facts: VideoFacts) -> None:
    rig.render.draws = False
    rig.scripted(20)
    running = asyncio.create_task(pumped(rig, video_facts))
    await rig.until(lambda: sum(len(message.frames) for message in rig.render.taken) == rig.lane.most_slots)
    assert rig.in_use() == rig.lane.most_slots
    assert not running.done()
    rig.render.draws = True
    rig.render.release(rig.render.taken[0])
    rig.render.release(rig.render.taken[1])
    assert (await running).frames == 20


async def test_a_still_takes_one_slot(rig: Any, still_facts: StillFacts) -> None:
    rig.render.draws = False
    decoding = rig.scripted(1, still_facts)
    await pumped(rig, still_facts)
    assert len(decoding.granted) == 1


async def test_slots_that_were_granted_and_not_written_come_back(rig: Any, video_facts: VideoFacts) -> None:
    decoding = rig.scripted(3)
    await pumped(rig, video_facts)
    assert len(decoding.granted) > 3
    await rig.until(lambda: rig.in_use() == 0)


async def test_what_the_decoder_raises_is_raised_after_the_frames_before_it(rig: Any, video_facts: VideoFacts) -> None:
    rig.scripted(2, error=Rejected("too-long", "No."))
    with pytest.raises(Rejected):
        await pumped(rig, video_facts)


async def test_a_bus_that_is_away_ends_it_at_once(rig: Any, video_facts: VideoFacts) -> None:
    """Not when the decoder has no slot left, which would be never."""
    rig.scripted(100)
    rig.bus.down = True
    with pytest.raises(Unavailable):
        async with asyncio.timeout(10):
            await pumped(rig, video_facts)
    rig.bus.down = False


async def test_a_frame_that_no_slot_holds_ends_it_at_once(rig: Any, video_facts: VideoFacts) -> None:
    rig.scripted(1)
    huge = msgspec.structs.replace(video_facts, geometry=Geometry(PixelFormat.I420, 640, 480))
    with pytest.raises(Unavailable, match="No slot holds"):
        async with asyncio.timeout(10):
            await pumped(rig, huge)


async def test_beside_what_is_live_a_job_holds_few_slots_and_travels_in_small_messages(
    rig: Any, video_facts: VideoFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump, "LINGER_SECONDS", FOR_EVER)
    monkeypatch.setattr(lane, "SHARE_BESIDE_LIVE", 4)
    monkeypatch.setattr(lane, "TOGETHER_BESIDE_LIVE", 2)
    rig.lane.live.add("watched")
    rig.render.draws = False
    rig.scripted(20)
    running = asyncio.create_task(pumped(rig, video_facts))
    await rig.until(lambda: len(rig.render.taken) == 2)
    assert [len(message.frames) for message in rig.render.taken] == [2, 2]
    assert rig.in_use() == 4
    rig.lane.live.clear()
    rig.render.draws = True
    for message in list(rig.render.taken):
        rig.render.release(message)
    assert (await running).frames == 20
    await rig.until(lambda: sum(len(message.frames) for message in rig.render.taken) == 20)
    assert max(len(message.frames) for message in rig.render.taken) == 4


async def test_where_every_frame_is_to_have_spans_frames_travel_one_by_one_up_to_a_bound(
    rig: Any, video_facts: VideoFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump, "FOLLOWED_FRAMES", 3)
    rig.scripted(5)
    with rig.telemetry.span("ingest"):
        ask_for_every_frame()
        await pumped(rig, video_facts)
    await rig.until(lambda: sum(len(message.frames) for message in rig.render.taken) == 5)
    assert [len(message.frames) for message in rig.render.taken][:3] == [1, 1, 1]
    found = [span for span in rig.spans() if span.name == "decode"]
    assert sorted(span.attributes[0].value.int_value for span in found) == [0, 1, 2]
    assert all(span.start_time_unix_nano <= span.end_time_unix_nano for span in found)


async def test_of_a_long_job_the_beginning_has_spans_and_then_a_message_now_and_then(
    rig: Any, video_facts: VideoFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump, "TRACED_FRAMES", 8)
    monkeypatch.setattr(pump, "TRACED_EVERY", 16)
    told: list[tuple[int, bool]] = []
    headers = rig.telemetry.headers

    def noting(*, sampled: bool = True) -> Any:
        told.append((len(told), sampled))
        return headers(sampled=sampled)

    monkeypatch.setattr(rig.telemetry, "headers", noting)
    monkeypatch.setattr(pump, "LINGER_SECONDS", FOR_EVER)
    rig.scripted(40)
    await pumped(rig, video_facts)
    assert [number for number, is_traced in told if is_traced] == [0, 1, 4, 8]


async def test_otherwise_no_frame_has_a_span_of_its_own(rig: Any, video_facts: VideoFacts) -> None:
    rig.scripted(5)
    with rig.telemetry.span("ingest"):
        await pumped(rig, video_facts)
    assert [span.name for span in rig.spans()] == ["ingest"]
