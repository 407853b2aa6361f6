"""What child processes write to stderr, as log lines of ingest: a trace of Python's, or the last word of a library."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_BYTES = 8192
"""Of one line of the log; what more comes within GATHER_SECONDS is left out: other children are not to wait for it."""
_READ_BYTES = 65_536
GATHER_SECONDS = 0.1
"""What comes within so long belongs together."""

_log = logging.getLogger(__name__)


@contextmanager
def heard(child: str) -> Iterator[int]:
    """An open file for the stderr of a process that is started in this block. child: what the log calls it.

    It is listened to until the process and all that it has forked are gone.
    """
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    _Ear(child, reading).open()
    try:
        yield writing
    finally:
        os.close(writing)


class _Ear:
    def __init__(self, child: str, fd: int) -> None:
        self._child, self._fd = child, fd
        self._loop = asyncio.get_running_loop()
        self._said, self._left_out = b"", 0
        self._timer: asyncio.TimerHandle | None = None

    def open(self) -> None:
        self._loop.add_reader(self._fd, self._hear)

    def _hear(self) -> None:
        try:
            more = os.read(self._fd, _READ_BYTES)
        except BlockingIOError:
            return
        taken = more[: MOST_BYTES - len(self._said)]
        self._said, self._left_out = self._said + taken, self._left_out + len(more) - len(taken)
        if not more:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._tell()
            return
        if self._timer is None:
            self._timer = self._loop.call_later(GATHER_SECONDS, self._tell)

    def _tell(self) -> None:
        said = self._said.decode(errors="replace").strip()
        if self._left_out:
            said = f"{said} [and {self._left_out} bytes more]"
        self._said, self._left_out = b"", 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if said:  # its line is about no session of whoever started it
            contextvars.Context().run(_log.error, "the %s said: %s", self._child, said)
