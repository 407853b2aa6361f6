"""One session's way through the lane, to its end."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from services.ingest import lane
from services.ingest.decoders.making import DecoderDied, ReadVideo
from services.ingest.lane import LaneSession
from shared.memory.ledger import SlotState
from shared.model.effects import Background
from shared.model.errors import Late, Rejected, Unavailable
from shared.model.frames import FramesEnded
from shared.model.jobs import Problem, Want
from shared.model.looks import Look
from shared.model.sessions import BeginSession, SessionRefused
from shared.transport import wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.model.media import Facts, StillFacts

TASK = ReadVideo("clip")
PLAIN, BEHIND = Look(), Look(background=Background(kind="blur"))


def begin(rig: Any, frames: int = 0, want: Want = Want.FACES, look: Look = PLAIN) -> Callable[[Facts], BeginSession]:
    return lambda facts: BeginSession(
        session="s", epoch=rig.pool.epoch, want=want, look=look, facts=facts, job="j", frames=frames
    )


async def fed(rig: Any, frames: int = 0) -> None:
    async with LaneSession(rig.lane, "s") as run:
        await run.feed(TASK, begin(rig, frames), 0.0)


async def test_render_is_told_how_many_frames_there_were(rig: Any) -> None:
    rig.scripted(9)
    await fed(rig)
    await rig.until(lambda: rig.render.announced)
    assert rig.render.announced == [FramesEnded("local", "s", "w", 9)]


@pytest.mark.parametrize(
    ("want", "look", "watchful"),
    [
        (Want.PICTURE, Look(face_blur=0.1), True),
        (Want.FACES, Look(face_blur=0.1), False),
        (Want.PICTURE, Look(smooth=1.0), False),
    ],
)
async def test_every_frame_is_watched_where_faces_are_hidden(rig: Any, want: Want, look: Look, watchful: bool) -> None:
    rig.scripted(1)
    async with LaneSession(rig.lane, "s") as run:
        await run.feed(TASK, begin(rig, want=want, look=look), 0.0)
    await rig.until(lambda: rig.render.taken)
    assert rig.render.taken[0].watchful is watchful


async def test_a_session_whose_length_render_knows_is_not_announced(rig: Any, still_facts: StillFacts) -> None:
    rig.scripted(1, still_facts)
    await fed(rig, frames=1)
    assert rig.bus.kept("lane.local.render.*") == []


async def test_a_session_that_went_well_needs_no_end(rig: Any) -> None:
    rig.scripted(3)
    async with LaneSession(rig.lane, "s") as run:
        await run.feed(TASK, begin(rig), 0.0)
        await run.released(time.time() + 10)
        assert rig.in_use() == 0
    assert rig.render.ended == []


async def test_an_owner_that_may_be_storing_what_nobody_wants_is_waited_for(rig: Any) -> None:
    """It has all frames and has given them back: what it makes of them would be there after all was removed."""

    async def cancelled() -> None:
        async with LaneSession(rig.lane, "s") as run:
            await run.feed(TASK, begin(rig), 0.0)
            await run.released(time.time() + 10)
            raise Late("The job was cancelled.")

    rig.scripted(3)
    with pytest.raises(Late):
        await cancelled()
    assert rig.render.ended == ["s"]


@pytest.mark.parametrize(
    ("want", "look", "asked"),
    [(Want.PICTURE, BEHIND, True), (Want.FACES, BEHIND, False), (Want.PICTURE, Look(smooth=1.0), False)],
)
async def test_people_are_asked_for_where_the_look_is_drawn_and_needs_them(
    rig: Any, want: Want, look: Look, asked: bool
) -> None:
    rig.scripted(9)
    async with LaneSession(rig.lane, "s") as run:
        await run.feed(TASK, begin(rig, want=want, look=look), 0.0)
    await rig.until(lambda: sum(len(message.frames) for message in rig.render.taken) == 9)
    assert {message.people for message in rig.render.taken} == {asked}


async def test_an_owner_is_asked_until_one_has_room(rig: Any) -> None:
    rig.scripted(1)
    rig.render.refusals = 3
    await fed(rig)
    assert [one.session for one in rig.render.begun] == ["s"]


async def test_without_an_owner_the_session_ends_and_holds_nothing(rig: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "BEGIN_SECONDS", 0.2)
    rig.scripted(1)
    rig.render.refusals = 1000
    with pytest.raises(Unavailable, match="full"):
        await fed(rig)
    assert rig.in_use() == 0


async def test_what_an_owner_lacks_is_told_as_it_says(rig: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(*_: object) -> bytes:
        return wire.encode(SessionRefused(retry_after_seconds=0.01, detail="The lane's card has no encoder now."))

    monkeypatch.setattr(lane, "BEGIN_SECONDS", 0.05)
    rig.scripted(1)
    monkeypatch.setattr(rig.bus, "request", answer)
    with pytest.raises(Unavailable, match="no encoder now"):
        await fed(rig)


async def test_what_render_cannot_make_is_not_asked_for_again(rig: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = SessionRefused(retry_after_seconds=0.0, problem=Problem("unsupported-output", "Too small for HEVC."))

    async def answer(*_: object) -> bytes:
        return wire.encode(refused)

    rig.scripted(1)
    monkeypatch.setattr(rig.bus, "request", answer)
    with pytest.raises(Rejected, match="Too small for HEVC"):
        await fed(rig)
    assert rig.in_use() == 0


async def test_frames_that_render_still_holds_come_back_when_it_has_confirmed_the_end(rig: Any) -> None:
    rig.scripted(3)
    rig.render.draws = False
    await fed(rig)
    assert rig.render.ended == ["s"]
    assert rig.in_use() == 0


async def test_render_is_told_to_end_what_was_not_fed_to_its_end_even_if_it_holds_nothing(rig: Any) -> None:
    """It would wait for the rest, and its room would be taken."""
    decoding = rig.scripted(2, error=DecoderDied("killed"))
    decoding.going_on.clear()
    running = asyncio.create_task(fed(rig))
    await rig.until(lambda: rig.render.taken and rig.in_use() == len(decoding.granted) - 2)
    decoding.going_on.set()
    with pytest.raises(DecoderDied):
        await running
    assert rig.render.ended == ["s"]


async def test_frames_stay_in_quarantine_until_render_confirms_the_end(
    rig: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "END_SECONDS", 0.05)
    rig.scripted(3)
    rig.render.draws = rig.render.hears_ends = False
    await fed(rig)
    rig.pool.sweep()
    assert rig.pool.ledger.counts()[SlotState.QUARANTINED] == 3
    rig.render.hears_ends = True
    await rig.until(lambda: rig.in_use() == 0)
    assert not rig.lane.closing


async def test_frames_of_a_dead_owner_come_back(rig: Any) -> None:
    rig.scripted(3)
    rig.render.draws = False
    async with LaneSession(rig.lane, "s") as run:
        await run.feed(TASK, begin(rig), 0.0)
        assert run.owner_is_alive
        rig.render.reader.close()
        assert not run.owner_is_alive
    assert rig.in_use() == 0


async def test_who_waits_for_frames_of_a_dead_owner_is_told(rig: Any) -> None:
    rig.scripted(3)
    rig.render.draws = False
    async with LaneSession(rig.lane, "s") as run:
        await run.feed(TASK, begin(rig), 0.0)
        rig.render.reader.close()
        with pytest.raises(Unavailable, match="died"):
            await run.released(time.time() + 10)


async def test_frames_are_waited_for_until_the_deadline_and_no_longer(rig: Any) -> None:
    rig.scripted(3)
    rig.render.draws = False
    async with LaneSession(rig.lane, "s") as run:
        await run.feed(TASK, begin(rig), 0.0)
        async with asyncio.timeout(10):
            await run.released(time.time() + 0.05)
        assert rig.in_use() == 3


async def test_a_cancelled_session_gives_everything_back(rig: Any) -> None:
    rig.scripted(100)
    rig.render.draws = False
    running = asyncio.create_task(fed(rig))
    await rig.until(lambda: rig.in_use() == rig.lane.most_slots)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert rig.in_use() == 0
    assert rig.render.ended == ["s"]


async def test_an_owner_whose_answer_nobody_waited_for_is_told_that_the_session_is_over(rig: Any) -> None:
    rig.scripted(1)
    rig.render.answers.clear()
    feeding = asyncio.create_task(fed(rig))
    await rig.until(lambda: rig.render.begun)
    feeding.cancel()
    await asyncio.sleep(0.01)
    rig.render.answers.set()
    await rig.until(lambda: rig.render.ended)
    assert rig.render.ended == ["s"]
    await asyncio.gather(feeding, return_exceptions=True)
    assert rig.in_use() == 0


async def test_who_leaves_a_session_in_trouble_has_its_owner_end_it_though_it_has_every_frame(rig: Any) -> None:
    rig.scripted(3)

    async def left() -> None:
        async with LaneSession(rig.lane, "s") as run:
            await run.feed(TASK, begin(rig), 0.0)
            await rig.until(lambda: rig.in_use() == 0)
            raise Unavailable("nobody wants it any more")

    with pytest.raises(Unavailable):
        await left()
    assert rig.render.ended == ["s"]


@pytest.mark.parametrize(("jobs", "share"), [(1, 4), (2, 2), (3, 1), (64, 1)])
async def test_beside_what_is_live_jobs_hold_half_of_the_slots_at_most_and_each_has_one(
    rig: Any, jobs: int, share: int
) -> None:
    """The rig has eight slots."""
    beside = replace(rig.lane, jobs=jobs)
    assert (beside.share(1), beside.frames_per_message) == (6, 4)
    beside.live.add("watched")
    assert (beside.share(1), beside.frames_per_message) == (share, lane.TOGETHER_BESIDE_LIVE)
    assert beside.share(1 << 30) == 1
    beside.press("watched", is_high=True)
    assert beside.share(1) == 1
    beside.press("watched", is_high=False)
    assert beside.share(1) == share
