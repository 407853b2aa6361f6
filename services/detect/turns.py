"""Whose turn it is: which waiting messages are worked on next, and which must wait for the faces before them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.model.frames import FramesCaptured


class Turns:
    """Messages of many sessions, given out so that as many as possible begin where the one before has ended.

    The next message of a session waits for the one before it, whose last faces are where its first are likely to be.
    Where nothing else is to be done it does not wait if it begins with a search for new faces anyway.
    """

    def __init__(self, every: int) -> None:
        """every: frames from one search for new faces to the next."""
        self._every = every
        self._waiting: list[FramesCaptured] = []
        self._begun: dict[str, int] = {}

    def add(self, message: FramesCaptured) -> None:
        """It waits from now on."""
        self._waiting.append(message)

    def take(self, idle: int) -> list[FramesCaptured]:
        """What one of `idle` idle threads, 1 or more, begins with now, each of another session; nothing if all waits.

        What is given out counts as begun until `end`.
        """
        ready = list(self._next())
        taken = ready[: -(-len(ready) // idle)] or self._ahead()
        for message in taken:
            self._waiting.remove(message)
            self._begun[message.session] = self._begun.get(message.session, 0) + 1
        return taken

    def end(self, message: FramesCaptured) -> None:
        """The work on it is over."""
        left = self._begun[message.session] - 1
        if left:
            self._begun[message.session] = left
        else:
            del self._begun[message.session]

    def _next(self) -> Iterator[FramesCaptured]:
        """The oldest of each session of which none is begun."""
        seen = set(self._begun)
        for message in self._waiting:
            if message.session not in seen:
                seen.add(message.session)
                yield message

    def _ahead(self) -> list[FramesCaptured]:
        """The oldest that need not wait for the one before it."""
        free = (one for one in self._waiting if one.frames and one.frames[0].sequence % self._every == 0)
        return [message] if (message := next(free, None)) is not None else []
