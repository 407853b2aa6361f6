"""What every context store checks before it asks its server."""

from __future__ import annotations

import asyncio

import pytest

from shared.model.errors import Unavailable
from shared.transport import context
from shared.transport.context import MOST_BYTES, MOST_SECONDS, checked, in_time, lifetime


def test_names_of_streams_and_of_segments_of_jobs_are_names() -> None:
    assert checked("0123456789abcdef" * 2, "job-Ab_9-12") == ("0123456789abcdef" * 2, "job-Ab_9-12")


@pytest.mark.parametrize(("seconds", "kept"), [(60.0, 60), (0.2, 1), (0.0, 1), (59.1, 60), (1e9, MOST_SECONDS)])
def test_a_time_to_live_is_whole_seconds_within_bounds(seconds: float, kept: int) -> None:
    assert lifetime(b"x", seconds) == kept


def test_what_is_too_large_is_not_kept() -> None:
    with pytest.raises(Unavailable, match=str(MOST_BYTES)):
        lifetime(bytes(MOST_BYTES + 1), 60)


async def test_nobody_is_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "ANSWER_SECONDS", 0.01)
    with pytest.raises(Unavailable, match="Somebody has not answered"):
        async with in_time("Somebody"):
            await asyncio.Event().wait()
