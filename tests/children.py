"""Processes at the other end of a pipe, which tests ask, stop and kill."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SPAWN = multiprocessing.get_context("spawn")
PATIENCE_SECONDS = 60.0
"""So long an answer may take: of a process that starts, imports CuPy and makes a CUDA context, say."""


def tied() -> list[str]:
    """Words before a command's own which have it killed when who started it is gone; none where that cannot be had.

    A program does it, and no function in the child: one that is forked beside gRPC's threads may die before it begins.
    """
    program = shutil.which("setpriv")
    return [program, "--pdeathsig", "KILL"] if program else []


class Child:
    """A process at the other end of a pipe."""

    def __init__(self, target: Callable[..., None], *arguments: object) -> None:
        """target: called there with the pipe and the arguments."""
        self.pipe, theirs = SPAWN.Pipe()
        self.process = SPAWN.Process(target=target, args=(theirs, *arguments), daemon=True)
        self.process.start()
        theirs.close()

    def ask(self, *words: object) -> Any:
        self.pipe.send(words)
        return self.hear()

    def hear(self) -> Any:
        assert self.pipe.poll(PATIENCE_SECONDS), "the other process is silent"
        return self.pipe.recv()

    def signal(self, number: signal.Signals) -> None:
        assert self.process.pid is not None
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.process.join(PATIENCE_SECONDS)
        assert self.process.exitcode is not None, "a killed process does not end"


@contextmanager
def child(target: Callable[..., None], *arguments: object) -> Iterator[Child]:
    """One that is dead afterwards."""
    one = Child(target, *arguments)
    try:
        yield one
    finally:
        if one.process.is_alive():
            one.kill()
        one.process.join()
        one.pipe.close()
        one.process.close()
