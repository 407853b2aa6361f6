"""Processes of the bench: none that fails, dies or is silent is waited for, and none is left."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from tests.gpu.workers import WorkerError, Workers

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 60.0
MANY_BYTES = 1 << 20
"""More than a pipe holds."""


def work(name: str, tell: Callable[[Any], None], inboxes: dict[str, Any]) -> None:
    """Do as told."""
    tell(os.getpid())
    while True:
        word, what = inboxes[name].get()
        if word == "end":
            return
        if word == "say":
            tell(what)
        elif word == "fail":
            raise ValueError(what)
        elif word == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        elif word == "flood":  # `what`'s inbox, which it does not read
            while True:
                inboxes[what].put(("say", bytes(MANY_BYTES)))
        elif word == "sleep":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(600)


def ready(workers: Workers, *names: str) -> dict[str, int]:
    workers.start(names)
    return workers.heard(names, PATIENCE)


def test_each_tells_by_its_name_and_all_have_ended_by_themselves_afterwards() -> None:
    with Workers(["a", "b"], work) as workers:
        pids = ready(workers, "a", "b")
        workers.tell(["a"], "say", 1)
        workers.tell(["b"], "say", bytes(MANY_BYTES))
        assert workers.heard(["b", "a"], PATIENCE) == {"a": 1, "b": bytes(MANY_BYTES)}
    assert [process.exitcode for process in workers.processes.values()] == [0, 0]
    assert not any(psutil.pid_exists(pid) for pid in pids.values())


def seen(names: str, do: Callable[[Workers], object]) -> str:
    """What is told of workers, one a letter, with whom this was done; none of them is left."""
    pids: dict[str, int] = {}
    with pytest.raises(WorkerError) as told, Workers(list(names), work) as workers:  # noqa: PT012  -- `do` raises it
        pids = ready(workers, *names)
        do(workers)
    assert len(pids) == len(names)
    assert not any(psutil.pid_exists(pid) for pid in pids.values())
    return str(told.value)


def test_the_first_that_fails_is_told_in_its_words_though_others_are_still_waited_for() -> None:
    def do(workers: Workers) -> None:
        workers.tell(["b"], "fail", "no card")
        workers.heard(["a", "b"], PATIENCE)

    assert seen("ab", do) == "b: ValueError: no card"


def test_words_come_before_a_death_that_is_seen_at_the_same_time() -> None:
    def do(workers: Workers) -> None:
        workers.tell(["a"], "die")
        workers.tell(["b"], "fail", "no card")
        for process in workers.processes.values():
            process.join(PATIENCE)
        workers.heard(["a", "b"], PATIENCE)

    assert seen("ab", do) == "b: ValueError: no card"


def test_one_that_is_killed_is_told_though_it_is_not_asked() -> None:
    def do(workers: Workers) -> None:
        workers.tell(["b"], "die")
        workers.heard(["a"], PATIENCE)

    assert seen("ab", do) == "b has ended before its time (exit code -9)."


def test_who_is_silent_is_named() -> None:
    def do(workers: Workers) -> None:
        workers.tell(["a"], "say", 1)
        assert workers.heard(["a"], PATIENCE) == {"a": 1}
        workers.heard(["b"], 1)

    assert seen("ab", do) == "After 1 s nothing is heard of b."


def test_after_a_failure_one_that_is_stuck_in_anothers_full_inbox_is_killed() -> None:
    def do(workers: Workers) -> None:
        workers.tell(["b"], "die")
        workers.processes["b"].join(PATIENCE)
        workers.tell(["a"], "flood", "b")
        workers.tell(["c"], "sleep")
        end = time.monotonic() + PATIENCE
        while workers.inboxes["b"].empty():  # half a message is in it
            assert time.monotonic() < end, "nothing comes"
            time.sleep(0.01)
        workers.heard(["a"], PATIENCE)

    assert seen("abc", do) == "b has ended before its time (exit code -9)."
