"""Calls side by side: all results, or the first failure at once."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.gpu.threads import all_of

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 60.0


@pytest.fixture
def released() -> Iterator[threading.Event]:
    """What those wait for who never end; they do after the test."""
    before = set(threading.enumerate())
    event = threading.Event()
    yield event
    event.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(PATIENCE)


def test_all_run_at_the_same_time_and_tell_what_they_come_to() -> None:
    together = threading.Barrier(3, timeout=PATIENCE)

    def run(number: int) -> int:
        together.wait()
        return number

    assert sorted(all_of([partial(run, number) for number in range(3)], PATIENCE)) == [0, 1, 2]


def test_the_first_that_fails_is_raised_while_others_never_end(released: threading.Event) -> None:
    def fail() -> bool:
        raise ValueError("no card")

    with pytest.raises(ValueError, match="no card"):
        all_of([released.wait, fail], PATIENCE)


def test_those_who_are_not_done_in_time_are_counted(released: threading.Event) -> None:
    with pytest.raises(TimeoutError, match="of 2 are not done after 1 s"):
        all_of([lambda: True, released.wait], 1)
