"""Whose turn it is: which of the waiting messages are worked on next. Live goes before jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shared.model.frames import FramesCaptured

PASSED_OVER = 8
"""So many times in a row live is given out before what waits beside it; then the others have a turn."""


class Turns:
    """Messages of many sessions, given out so that each session's come one after the other.

    A session's next message begins where the last faces of the one before it were. Begun beside it, with faces found
    anew, its first landmarks are off by 0.3 to 2.9 % of the distance between the eyes, and every eighth frame twitches.

    What is live comes first, and never together with what is not: it would have to wait for that.
    """

    def __init__(self) -> None:
        self._waiting: list[FramesCaptured] = []
        self._begun: set[str] = set()
        self._passed_over = 0
        """How many times in a row those that are not live were."""

    def add(self, message: FramesCaptured) -> None:
        """It waits from now on."""
        self._waiting.append(message)

    def take(self, idle: int) -> list[FramesCaptured]:
        """What one of `idle` idle threads, 1 or more, begins with now, each of another session; nothing if all waits.

        What is given out counts as begun until `end`.
        """
        ready = self._first(list(self._next()))
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

    def _first(self, ready: list[FramesCaptured]) -> list[FramesCaptured]:
        """Of those that may begin those whose turn it is: the live ones or the others."""
        live, others = [one for one in ready if one.is_live], [one for one in ready if not one.is_live]
        if live and (not others or self._passed_over < PASSED_OVER):
            self._passed_over += bool(others)
            return live
        self._passed_over = 0
        return others

    def _next(self) -> Iterator[FramesCaptured]:
        """The oldest of each session of which none is begun."""
        seen = set(self._begun)
        for message in self._waiting:
            if message.session not in seen:
                seen.add(message.session)
                yield message
