"""For tests that kill processes of a stack: it is watched, jobs are waited for, what is left over is found."""

from __future__ import annotations

import threading
import time
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
    """Whatever dies is started again."""
    stopping = threading.Event()

    def watch() -> None:
        while not stopping.wait(POLL_SECONDS):
            stack.watch()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def until(client: Client, job: str, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Ask until the job is as wanted; the gateway may be away meanwhile."""
    end = time.monotonic() + PATIENCE_SECONDS
    found: dict[str, Any] = {}
    while time.monotonic() < end:
        try:
            found = client.job(job)
        except ProblemError:
            found = {}
        if found and wanted(found):
            return found
        time.sleep(0.05)
    pytest.fail(f"after {PATIENCE_SECONDS} s the job is {found}")


def left(var: Path) -> list[Path]:
    """Files of work that is over: uploads as they came, and parts of results."""
    return [path for path in (var / "work").rglob("*") if path.is_file()]
