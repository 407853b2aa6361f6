"""A thread that encodes pictures beside the drawing of the next ones, on copies that are used again."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from shared.model.pictures import Picture

if TYPE_CHECKING:
    from collections.abc import Callable


class EncoderThread:
    """Encodes in the order in which pictures come."""

    def __init__(self, frames_ahead: int, begin: Callable[[], None] | None = None) -> None:
        """frames_ahead: pictures that are drawn and not yet encoded, at most; as many copies are kept.

        begin: what the thread does first.
        """
        self._frames_ahead = frames_ahead
        self._thread = ThreadPoolExecutor(1, "encoder", begin)
        self._encoding: deque[tuple[Future[None], Picture]] = deque()

    @property
    def is_idle(self) -> bool:
        """True while nothing is under way: whoever hands pictures over may encode one by himself."""
        return all(encoding.done() for encoding, _ in self._encoding)

    def take(self, picture: Picture, encode: Callable[[Picture], None]) -> None:
        """Have a copy of the picture encoded; waits while `frames_ahead` are. Raises what encoding one raised."""
        copy = self._room(picture)
        picture.copy_to(copy)
        self._encoding.append((self._thread.submit(encode, copy), copy))

    def close(self) -> None:
        """Wait until all is encoded. Raises what encoding raised."""
        for encoding, _ in self._encoding:
            encoding.result()
        self._thread.shutdown()

    def abort(self) -> None:
        """Encode nothing more; waits for the one that is under way."""
        self._thread.shutdown(cancel_futures=True)

    def _room(self, like: Picture) -> Picture:
        """Memory for a picture: new as long as few are under way, then that of the oldest."""
        if len(self._encoding) < self._frames_ahead:
            return Picture.blank(like.geometry, like.colour)
        encoding, picture = self._encoding.popleft()
        encoding.result()
        return picture
