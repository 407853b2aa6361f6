"""The function from its start to its end."""

from __future__ import annotations

import io
import json
import socket
from typing import TYPE_CHECKING

import msgspec
import pytest

from shared.model.errors import Misconfigured
from shared.model.jobs import SegmentFailed, SegmentRequested, Want
from shared.model.looks import Look
from shared.model.media import Span
from visavis.serverless.function import Function
from visavis.serverless.steps import Steps

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import psutil

ASKED = SegmentRequested(job="j", want=Want.FACES, look=Look())


@pytest.mark.usefixtures("stored")
async def test_it_answers_from_the_store_and_tells_of_its_first_result_once(
    begun: Callable[[], set[psutil.Process]],
) -> None:
    out = io.StringIO()
    function = await Function.started(Steps(out))
    try:
        for session in ("one", "two"):
            answer = await function.segment(ASKED, session)
            assert isinstance(answer, SegmentFailed)
            assert (answer.session, answer.problem.code) == (session, "unsupported-media")
    finally:
        await function.close()
    steps = [json.loads(line)["step"] for line in out.getvalue().splitlines()]
    assert steps[-2:] == ["ready", "first result"]
    assert steps.count("first result") == 1
    assert not begun()


async def test_without_a_store_it_does_not_start(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_STORE_URL", "")
    with pytest.raises(Misconfigured, match="VISAVIS_STORE_URL"):
        await Function.started(Steps(io.StringIO()))


async def test_a_context_that_is_no_redis_is_said_at_the_start(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_CONTEXT", "http://host")
    with pytest.raises(Misconfigured, match="VISAVIS_CONTEXT"):
        await Function.started(Steps(io.StringIO()))


@pytest.mark.usefixtures("stored")
async def test_a_redis_that_is_away_is_told_of_and_fails_no_call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("VISAVIS_CONTEXT", f"redis://:secret@127.0.0.1:{port}/0")
    function = await Function.started(Steps(io.StringIO()))
    try:
        span = Span(begins=0, start=5, end=9, first=0, warm=5, frames=4)
        answer = await function.segment(msgspec.structs.replace(ASKED, segment=1, span=span), "s")
    finally:
        await function.close()
    assert isinstance(answer, SegmentFailed)
    assert answer.problem.code == "unsupported-media"
    [said] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert said["event"] == "context lost"
    assert f"127.0.0.1:{port}" in said["detail"]
    assert "secret" not in said["detail"]
