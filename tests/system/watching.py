"""For tests that kill processes of a stack: it is watched, jobs are waited for, what is left over is found."""

from __future__ import annotations

import threading
import time
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from visavis.client import Client, ProblemError
from visavis.stack import POLL_SECONDS, Stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PATIENCE_SECONDS = 60


@contextmanager
def watched(stack: Stack) -> Iterator[None]:
    """Whatever dies is started again. Fails where that is in vain, even if the tests meanwhile took no notice."""
    stopping, failed = threading.Event(), list[BaseException]()

    def watch() -> None:
        try:
            while not stopping.wait(POLL_SECONDS):
                stack.watch()
        except BaseException as error:  # noqa: BLE001  -- raised where somebody sees it
            traceback.print_exc()
            failed.append(error)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()
    if failed:
        raise failed[0]


def wait_until(true: Callable[[], object], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Ask until it is so, and fail where it does not get so."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            pytest.fail(f"after {seconds:g} s it is not so that {what}")
        time.sleep(0.05)


def until(
    client: Client, job: str, wanted: Callable[[dict[str, Any]], bool], seconds: float = PATIENCE_SECONDS
) -> dict[str, Any]:
    """Ask until the job is as wanted; the gateway may be away meanwhile."""
    found: dict[str, Any] = {}

    def is_as_wanted() -> bool:
        nonlocal found
        try:
            found = client.job(job)
        except ProblemError:
            return False
        return wanted(found)

    wait_until(is_as_wanted, "the job is as wanted", seconds)
    return found


def assert_nothing_left(var: Path) -> None:
    """The work is over; what removes its files may be at it still."""
    wait_until(lambda: left(var) == [], "no work files are left")


def left(var: Path) -> list[Path]:
    """Files of work that is over: uploads as they came, and parts of results."""
    return [path for path in (var / "work").rglob("*") if path.is_file()]
