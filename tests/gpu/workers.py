"""Processes that work for a part of the bench: each has an inbox, and a pipe by which it tells what came of it.

Who waits for them hears of the first that fails or dies, and never waits longer than it says: time on a card is dear.
"""

from __future__ import annotations

import multiprocessing
import time
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from shared.runtime.lifecycle import die_with_parent

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from multiprocessing.connection import Connection
    from types import TracebackType

END_SECONDS = 20.0
"""So long all together may take to end when they are asked to."""
_SPAWN = multiprocessing.get_context("spawn")


class WorkerError(Exception):
    """One of them has failed, has ended before its time, or is silent; the text says which and why."""


class Failed(NamedTuple):
    """The last that is heard of a process."""

    words: str
    has_told: bool = True
    """False: it has ended without a word."""


class Workers:
    """A context: afterwards none of them is alive. They are asked to end, or, after an exception, killed."""

    def __init__(self, names: Sequence[str], work: Callable[..., None], *arguments: Any) -> None:
        """work: called in each process with its name, what it tells by, all inboxes, and the arguments.

        What comes into an inbox is a word and what belongs to it. At the word `end` a process is to return.
        """
        self.inboxes: dict[str, Any] = {name: _SPAWN.SimpleQueue() for name in names}
        self.processes: dict[str, Any] = {}
        self._work, self._arguments = work, arguments
        self._pipes: dict[Connection[Any, Any], str] = {}
        """A pipe each: what one that is killed has half written, or locked, is nobody else's."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self._ask_to_end()
        for process in self.processes.values():
            process.kill()
        for process in self.processes.values():
            process.join(END_SECONDS)
        for pipe in self._pipes:
            pipe.close()

    def start(self, names: Collection[str]) -> None:
        """Start these."""
        for name in names:
            ours, theirs = _SPAWN.Pipe(duplex=False)
            arguments = (self._work, name, theirs, self.inboxes, *self._arguments)
            process = _SPAWN.Process(target=_be, args=arguments, daemon=True)
            process.start()
            theirs.close()  # so that its end is the pipe's end
            self._pipes[ours], self.processes[name] = name, process

    def tell(self, names: Collection[str], word: str, what: Any = None) -> None:
        """Put it into their inboxes."""
        for name in names:
            self.inboxes[name].put((word, what))

    def heard(self, names: Collection[str], patience_seconds: float) -> dict[str, Any]:
        """What each of these tells next.

        patience_seconds: so long they may take. Raises WorkerError, also if another than these fails or ends.
        """
        found: dict[str, Any] = {}
        end = time.monotonic() + patience_seconds
        while missing := [name for name in names if name not in found]:
            ready = wait(list(self._pipes), max(0.0, end - time.monotonic()))
            if not ready:
                raise WorkerError(f"After {patience_seconds:.0f} s nothing is heard of {', '.join(missing)}.")
            told = {name: self._received(pipe) for pipe, name in self._pipes.items() if pipe in ready}
            if failed := [one for one in told.values() if isinstance(one, Failed)]:
                raise WorkerError(max(failed, key=lambda one: one.has_told).words)
            found |= told
        return found

    def _received(self, pipe: Connection[Any, Any]) -> Any:
        try:
            return pipe.recv()
        except (EOFError, OSError):
            name = self._pipes[pipe]
            process = self.processes[name]
            process.join(END_SECONDS)
            return Failed(f"{name} has ended before its time (exit code {process.exitcode}).", has_told=False)

    def _ask_to_end(self) -> None:
        alive = [name for name, process in self.processes.items() if process.is_alive()]
        self.tell(alive, "end")
        end = time.monotonic() + END_SECONDS
        for name in alive:
            self.processes[name].join(max(0.0, end - time.monotonic()))


def _be(
    work: Callable[..., None], name: str, pipe: Connection[Any, Any], inboxes: dict[str, Any], *arguments: Any
) -> None:
    die_with_parent()
    try:
        work(name, pipe.send, inboxes, *arguments)
    except Exception as error:  # whoever waits hears of it
        pipe.send(Failed(f"{name}: {type(error).__name__}: {error}"))
        raise
