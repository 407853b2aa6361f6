"""The playlist of a live stream (HLS, RFC 8216): which segments are there now, and which can go."""

from __future__ import annotations

import math
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.render.outputs.segments import Segment

GRACE: Final = 3
"""So many segments are kept after they left the playlist: somebody may be fetching them."""
_EPOCH: Final = 1_767_225_600
"""2026-01-01, in seconds since 1970: numbers stay within 31 bits, which some players count in, until 2043."""
_MOST_A_SECOND: Final = 4
"""No segments are so short that there are more of them in a second for long."""


def first_number(now: float) -> int:
    """Above every number that an earlier playlist of the stream has reached; now: seconds since 1970."""
    return max(0, int((now - _EPOCH) * _MOST_A_SECOND))


class _Entry(NamedTuple):
    name: str
    duration_seconds: float
    began: float
    init: str
    discontinuity: bool


class Playlist:
    """A window over the last segments."""

    def __init__(self, segment_seconds: float, window: int, first: int = 0, *, resumed: bool = False) -> None:
        """window: segments in the playlist. first: number of the first segment.

        A stream that goes on under the name of an earlier one (resumed) begins with `first_number`, and its first
        segment is marked as a discontinuity. There were fewer of these before than segments, so that their number,
        which may not fall either, begins there, too.
        """
        self._target = max(1, math.ceil(segment_seconds))
        self._window = window
        self._sequence = first
        self._discontinuities = first if resumed else 0
        self._entries: deque[_Entry] = deque()
        self._leaving: deque[_Entry] = deque()
        self._broken = resumed
        self._ended = False

    def add(self, segment: Segment) -> tuple[str, ...]:
        """Put a segment at the end; answers the names of objects that nobody needs any more."""
        self._target = max(self._target, math.floor(segment.duration_seconds + 0.5))
        broken = segment.discontinuity or self._broken
        entry = _Entry(segment.name, segment.duration_seconds, segment.began, segment.init.name, broken)
        self._broken = False
        self._entries.append(entry)
        if len(self._entries) > self._window:
            left = self._entries.popleft()
            self._sequence += 1
            self._discontinuities += left.discontinuity
            self._leaving.append(left)
        return tuple(self._gone())

    def skip(self) -> None:
        """A segment was lost: the next one does not follow the last one."""
        self._broken = True

    def end(self) -> None:
        """Nothing follows."""
        self._ended = True

    @property
    def target_seconds(self) -> int:
        """No segment is longer, to half a second."""
        return self._target

    @property
    def text(self) -> str:
        """The playlist as it is served."""
        return "\n".join(self._lines()) + "\n"

    def _gone(self) -> Iterator[str]:
        while len(self._leaving) > GRACE:
            gone = self._leaving.popleft()
            yield gone.name
            if all(gone.init != entry.init for entry in (*self._leaving, *self._entries)):
                yield gone.init

    def _lines(self) -> Iterator[str]:
        yield from ("#EXTM3U", "#EXT-X-VERSION:7", f"#EXT-X-TARGETDURATION:{self._target}")
        yield f"#EXT-X-MEDIA-SEQUENCE:{self._sequence}"
        if self._discontinuities:
            yield f"#EXT-X-DISCONTINUITY-SEQUENCE:{self._discontinuities}"
        yield "#EXT-X-INDEPENDENT-SEGMENTS"
        init = ""
        for entry in self._entries:
            if entry.discontinuity:
                yield "#EXT-X-DISCONTINUITY"
            if entry.init != init:
                yield f'#EXT-X-MAP:URI="{entry.init}"'
                init = entry.init
            began = datetime.fromtimestamp(entry.began, UTC).isoformat(timespec="milliseconds")
            yield f"#EXT-X-PROGRAM-DATE-TIME:{began.replace('+00:00', 'Z')}"
            yield f"#EXTINF:{entry.duration_seconds:.6f},"
            yield entry.name
        if self._ended:
            yield "#EXT-X-ENDLIST"
