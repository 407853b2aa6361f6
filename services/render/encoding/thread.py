"""A thread that encodes pictures beside the drawing of the next ones, on copies that are used again."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from services.render.copies import HostCopies

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.render.copies import Copies, Copy, Frame


class _Encoding(NamedTuple):
    """A picture that is on its way."""

    done: Future[None]
    copy: Copy
    arrive: Callable[[], None]
    """Returns when the copy is there."""


class EncoderThread:
    """Encodes in the order in which pictures come."""

    def __init__(
        self, frames_ahead: int, begin: Callable[[], None] | None = None, copies: Copies | None = None
    ) -> None:
        """frames_ahead: pictures that are drawn and not yet encoded, at most; as many copies are kept.

        begin: what the thread does first. copies: how they are made; None: on the host.
        """
        self._frames_ahead = frames_ahead
        self._thread = ThreadPoolExecutor(1, "encoder", begin)
        self._copies = copies or HostCopies()
        self._encoding: deque[_Encoding] = deque()

    @property
    def is_idle(self) -> bool:
        """True while nothing is under way: whoever hands pictures over may encode one by himself."""
        return all(encoding.done.done() for encoding in self._encoding)

    def take(self, frame: Frame, encode: Callable[[Copy], None]) -> None:
        """Have a copy of the frame encoded; waits while `frames_ahead` are. Raises what encoding one raised."""
        copy = self._room(frame)
        arrive = self._copies.begin(frame, copy)

        def encode_it() -> None:
            arrive()
            encode(copy)

        self._encoding.append(_Encoding(self._thread.submit(encode_it), copy, arrive))

    def close(self) -> None:
        """Wait until all is encoded. Raises what encoding raised."""
        for encoding in self._encoding:
            encoding.done.result()
        self._thread.shutdown()

    def abort(self) -> None:
        """Encode nothing more; waits for the one that is under way, and for copies."""
        self._thread.shutdown(cancel_futures=True)
        for encoding in self._encoding:
            encoding.arrive()

    def _room(self, like: Frame) -> Copy:
        """Memory for a picture: new as long as few are under way, then that of the oldest."""
        if len(self._encoding) < self._frames_ahead:
            return self._copies.blank(like)
        encoding = self._encoding.popleft()
        encoding.done.result()
        return encoding.copy
