"""How far a job has come, and who is to hear of it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from services.gateway.rest import events
from services.gateway.rest.events import JobPosition
from shared.model.jobs import JobRecord, JobState, Want
from shared.model.looks import Look
from shared.model.media import MediaKind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def position(state: JobState, attempt: int = 0, frames: int = 0) -> JobPosition:
    record: dict[str, Any] = {"id": "j", "want": Want.PICTURE, "look": Look(), "source_kind": MediaKind.MP4}
    return JobPosition.of(JobRecord(**record, state=state, attempt=attempt, frames=frames, created_unix_seconds=0))


ON_THE_WAY = [
    position(JobState.ACCEPTED),
    position(JobState.RUNNING, 1),
    position(JobState.RUNNING, 1, 40),
    position(JobState.RUNNING, 1, 100),
    position(JobState.RUNNING, 2, 9),
    position(JobState.DONE, 2, 120),
]


def test_an_id_says_what_it_was_made_of() -> None:
    assert [JobPosition.read(one.id) for one in ON_THE_WAY] == ON_THE_WAY
    assert ON_THE_WAY[2].id == "1-40-running"


@pytest.mark.parametrize("text", ["", "1", "1-2", "1-2-lost", "a-2-done", "²-2-done", "1-2-done-3", "1" * 5000])
def test_what_is_no_id_counts_as_nothing_heard(text: str) -> None:
    assert JobPosition.read(text) is None


def test_each_step_is_news_after_those_before_and_never_the_other_way_round() -> None:
    for before, after in pairwise(ON_THE_WAY):
        assert after.is_news_after(before)
        assert not before.is_news_after(after)
        assert not after.is_news_after(after)
        assert after.is_news_after(None)


@pytest.mark.parametrize("end", [JobState.DONE, JobState.FAILED, JobState.CANCELLED])
def test_an_end_is_news_after_all_but_an_end(end: JobState) -> None:
    last = position(end, 0, 0)  # whatever its numbers
    assert all(last.is_news_after(one) for one in ON_THE_WAY[:-1])
    assert not last.is_news_after(ON_THE_WAY[-1])


async def test_events_are_not_kept_by_anybody_on_the_way() -> None:
    async def told() -> AsyncIterator[str]:
        yield events.OPENING

    found = events.answer(told())
    assert found.headers["cache-control"] == events.over().headers["cache-control"] == "no-store"
    assert (found.media_type, events.over().status_code) == ("text/event-stream", 204)
    assert events.event("done", "1-2-done", "{}") == "event: done\nid: 1-2-done\ndata: {}\n\n"
