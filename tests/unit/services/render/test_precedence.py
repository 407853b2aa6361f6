"""What somebody waits for is drawn before jobs."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from services.render.precedence import NICENESS, SWITCH_SECONDS, Precedence, share_quickly, stand_back, to_the_end

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def drawing(parallel: int) -> Iterator[Precedence]:
    found = Precedence(parallel)
    try:
        yield found
    finally:
        found.close()


def niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


async def test_threads_of_jobs_stand_back_and_no_other_thread_does() -> None:
    with drawing(1) as precedence:
        before = niceness()
        async with precedence.turn(of_job=True) as theirs, precedence.turn(of_job=False) as ours:
            assert theirs.submit(niceness).result(10) == max(before, NICENESS)
            assert ours.submit(niceness).result(10) == before
        assert niceness() == before


def test_a_thread_that_stands_further_back_already_stays_there() -> None:
    """To come forward is not allowed to everybody, and would fail every job of a service that was started as nice."""

    def stand_back_from(before: int) -> int:
        os.setpriority(os.PRIO_PROCESS, 0, before)
        stand_back()
        return niceness()

    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(stand_back_from, 19).result(10) == 19


@pytest.mark.parametrize("of_job", [True, False])
async def test_so_many_draw_at_a_time_and_the_next_waits_for_one_of_them(of_job: bool) -> None:
    with drawing(2) as precedence:
        async with precedence.turn(of_job=of_job):
            async with precedence.turn(of_job=of_job):
                third = asyncio.create_task(_drawn(precedence, of_job=of_job))
                await asyncio.sleep(0.05)
                assert not third.done()
            await asyncio.wait_for(third, 10)


async def test_who_is_waited_for_does_not_wait_for_jobs() -> None:
    go = threading.Event()
    with drawing(1) as precedence:
        try:
            async with precedence.turn(of_job=True) as threads:
                threads.submit(go.wait, 60)
                await asyncio.wait_for(_drawn(precedence, of_job=False), 10)
        finally:
            go.set()


async def test_while_all_draw_one_thread_is_left_for_who_waits_for_an_encoder() -> None:
    go = threading.Event()
    with drawing(1) as precedence:
        try:
            async with precedence.turn(of_job=True) as threads:
                threads.submit(go.wait, 60)
                ending = precedence.threads(of_job=True).submit(lambda: None)
                await asyncio.wait_for(asyncio.wrap_future(ending), 10)
        finally:
            go.set()


async def _drawn(precedence: Precedence, *, of_job: bool) -> None:
    async with precedence.turn(of_job=of_job) as threads:
        await asyncio.wrap_future(threads.submit(lambda: None))


def test_the_interpreters_lock_is_passed_on_soon() -> None:
    before = sys.getswitchinterval()
    try:
        share_quickly()
        assert sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS)
    finally:
        sys.setswitchinterval(before)


@pytest.mark.parametrize("fails", [False, True])
async def test_who_is_cancelled_goes_when_the_thread_is_done_and_not_before(fails: bool) -> None:
    began, go_on, done = threading.Event(), threading.Event(), list[str]()

    def work() -> str:
        began.set()
        go_on.wait()
        done.append("done")
        if fails:
            raise ValueError("no")
        return "it"

    waiting = asyncio.create_task(to_the_end(asyncio.to_thread(work)))
    try:
        await asyncio.to_thread(began.wait)
        waiting.cancel()
        await asyncio.sleep(0)
        assert not waiting.done()
    finally:
        go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert done == ["done"]


async def test_what_the_thread_answers_or_raises_is_told() -> None:
    assert await to_the_end(asyncio.to_thread(str, 5)) == "5"
    with pytest.raises(ValueError, match="invalid literal"):
        await to_the_end(asyncio.to_thread(int, "x"))
