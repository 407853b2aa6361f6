"""The function from its start to its end."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import psutil
import pytest

from shared.model.errors import Misconfigured
from shared.model.jobs import SegmentFailed, SegmentRequested, Want
from shared.model.looks import Look
from visavis.serverless.function import Function
from visavis.serverless.steps import Steps

if TYPE_CHECKING:
    from pathlib import Path

ASKED = SegmentRequested(job="j", want=Want.FACES, look=Look())


@pytest.mark.usefixtures("stored")
async def test_it_answers_from_the_store_and_tells_of_its_first_result_once() -> None:
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
    assert not [child for child in psutil.Process().children(recursive=True) if child.status() != "zombie"]


async def test_without_a_store_it_does_not_start(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_STORE_URL", "")
    with pytest.raises(Misconfigured, match="VISAVIS_STORE_URL"):
        await Function.started(Steps(io.StringIO()))
