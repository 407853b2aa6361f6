"""Whose turn it is: which of the waiting messages are worked on next."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shared.model.frames import FramesCaptured


class Turns:
    """Messages of many sessions, given out so that each session's come one after the other.

    A session's next message begins where the last faces of the one before it were. Begun beside it, with faces found
    anew, its first landmarks are off by 0.3 to 2.9 % of the distance between the eyes, and every eighth frame twitches.
    """

    def __init__(self) -> None:
        self._waiting: list[FramesCaptured] = []
        self._begun: set[str] = set()

    def add(self, message: FramesCaptured) -> None:
        """It waits from now on."""
        self._waiting.append(message)

    def take(self, idle: int) -> list[FramesCaptured]:
        """What one of `idle` idle threads, 1 or more, begins with now, each of another session; nothing if all waits.

        What is given out counts as begun until `end`.
        """
        ready = list(self._next())
        taken = ready[: -(-len(ready) // idle)]
        for message in taken:
            self._waiting.remove(message)
            self._begun.add(message.session)
        return taken

    def end(self, message: FramesCaptured) -> None:
        """The work on it is over."""
        self._begun.discard(message.session)

    @property
    def waiting(self) -> Sequence[FramesCaptured]:
        """Those that were not taken yet, the oldest first."""
        return self._waiting

    def _next(self) -> Iterator[FramesCaptured]:
        """The oldest of each session of which none is begun."""
        seen = set(self._begun)
        for message in self._waiting:
            if message.session not in seen:
                seen.add(message.session)
                yield message
