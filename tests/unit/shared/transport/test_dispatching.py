"""shared/transport/dispatching.py: what is to be asked for, by what the ledger says and what waits on the bus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from shared.model.jobs import JobRecord, JobState, Part, Want, plan_key
from shared.model.looks import Look
from shared.model.media import MediaKind, Plan, Span, VideoFacts
from shared.model.pictures import Colour, Geometry, PixelFormat
from shared.testing import MemoryBus
from shared.transport import wire
from shared.transport.dispatching import Dispatcher
from shared.transport.store import ObjectStore

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FACTS = VideoFacts(
    geometry=Geometry(PixelFormat.I420, 64, 48), colour=Colour(), time_base=(1, 1000), frame_rate=(25, 1)
)
SPANS = tuple(Span(begins=10 * n, start=10 * n, end=10 * n + 10, first=n, warm=0, frames=1) for n in range(5))
RECORD = JobRecord(
    id="j", state=JobState.ACCEPTED, want=Want.FACES, look=Look(), source_kind=MediaKind.MP4, created_unix_seconds=0
)


class Post:
    """A dispatcher over a bus on which what is due goes."""

    def __init__(self, folder: Path) -> None:
        self.bus, self.store = MemoryBus(), ObjectStore.open(folder.as_uri())
        self.dispatcher = Dispatcher(self.bus, self.store, window=2)

    async def sent(self, record: JobRecord) -> list[str]:
        """What was due, and is on the bus now."""
        due: Sequence[Any] = await self.dispatcher.due(record)
        for message in due:
            await self.bus.publish(message.subject, wire.encode(message))
        return [message.subject for message in due]


@pytest.fixture
async def post(tmp_path: Path) -> Post:
    made = Post(tmp_path)
    await made.store.put(plan_key("j"), msgspec.json.encode(Plan(facts=FACTS, spans=SPANS)))
    return made


def with_done(*done: int) -> JobRecord:
    parts = tuple(Part(segment=number, attempt=1, owner="a/1", done=True) for number in done)
    return msgspec.structs.replace(RECORD, state=JobState.RUNNING, segments=5, parts=parts)


async def test_a_job_without_a_plan_is_to_be_planned_once(post: Post) -> None:
    assert await post.sent(RECORD) == ["jobs.plan.j"]
    assert await post.sent(RECORD) == []


async def test_a_few_segments_are_out_at_a_time(post: Post) -> None:
    assert await post.sent(with_done()) == ["jobs.segment.j.0", "jobs.segment.j.1"]
    assert await post.sent(with_done()) == []
    assert await post.sent(with_done(1)) == ["jobs.segment.j.2"]


async def test_a_segment_says_which_frames_it_has(post: Post) -> None:
    [first, _] = await post.dispatcher.due(with_done(0, 1))
    assert (getattr(first, "span", None), getattr(first, "facts", None)) == (SPANS[2], FACTS)


async def test_without_a_cut_the_one_segment_has_all_frames(post: Post) -> None:
    await post.store.put(plan_key("j"), msgspec.json.encode(Plan(facts=FACTS)))
    [only] = await post.dispatcher.due(msgspec.structs.replace(with_done(), segments=1))
    assert (getattr(only, "span", None), getattr(only, "facts", None)) == (None, None)


async def test_a_job_whose_parts_are_all_there_is_to_be_put_together(post: Post) -> None:
    whole = with_done(0, 1, 2, 3, 4)
    assert await post.sent(whole) == ["jobs.segment.j.4"]
    assert await post.sent(whole) == []


@pytest.mark.parametrize("state", [state for state in JobState if state.is_final])
async def test_nothing_is_due_of_a_job_that_is_over(post: Post, state: JobState) -> None:
    assert await post.sent(msgspec.structs.replace(RECORD, state=state)) == []
