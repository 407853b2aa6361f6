from __future__ import annotations

import asyncio
import logging
import sys

import pytest

from services.ingest.child_words import MOST_BYTES, heard


async def said_by(program: str, caplog: pytest.LogCaptureFixture) -> list[str]:
    """Lines of the log once a child that runs `program` is gone and all of it was heard."""
    with caplog.at_level(logging.ERROR), heard("child") as stderr:
        child = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stderr=stderr)
    with caplog.at_level(logging.ERROR):
        await child.wait()
        async with asyncio.timeout(30):
            while not any("the end" in line for line in caplog.messages):  # noqa: ASYNC110  -- a log sets no event
                await asyncio.sleep(0.01)
    return caplog.messages


async def test_a_trace_of_a_child_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    (line,) = await said_by("raise ValueError('the end')", caplog)
    assert line.startswith("the child said: Traceback")
    assert line.endswith("ValueError: the end")


async def test_of_a_child_that_says_too_much_the_beginning_is_heard_and_nobody_waits(
    caplog: pytest.LogCaptureFixture,
) -> None:
    noise = "import sys, time; sys.stderr.write('x' * 3_000_000); time.sleep(0.5); sys.stderr.write('the end')"
    lines = await said_by(noise, caplog)
    counts = [(line.count("x"), line.rpartition("[and ")[2].partition(" bytes more]")[0]) for line in lines]
    assert sum(heard + int(left_out or 0) if left_out.isdecimal() else heard for heard, left_out in counts) == 3_000_000
    assert max(map(len, lines)) <= MOST_BYTES + len("the child said:  [and 3000000 bytes more]")


async def test_a_child_that_says_nothing_adds_no_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR), heard("child") as stderr:
        child = await asyncio.create_subprocess_exec(sys.executable, "-c", "", stderr=stderr)
    await child.wait()
    await asyncio.sleep(0)
    assert not caplog.messages
