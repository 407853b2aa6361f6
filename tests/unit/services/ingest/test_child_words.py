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


async def test_a_child_that_says_too_much_is_heard_in_pieces_to_its_end(caplog: pytest.LogCaptureFixture) -> None:
    lines = await said_by("import sys; sys.stderr.write('x' * 30000 + 'the end')", caplog)
    assert len(lines) == 4
    assert sum(line.count("x") for line in lines) == 30000
    assert max(map(len, lines)) <= MOST_BYTES + len("the child said: ")


async def test_a_child_that_says_nothing_adds_no_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR), heard("child") as stderr:
        child = await asyncio.create_subprocess_exec(sys.executable, "-c", "", stderr=stderr)
    await child.wait()
    await asyncio.sleep(0)
    assert not caplog.messages
