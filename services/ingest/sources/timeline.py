"""One timeline for a source whose own times jump, stop, begin again with each connection, or say nothing.

All values are in 1/90000 of a second. Video and sound keep their distance: what moves one moves the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from services.ingest.messages.source import TICKS, Kind

if TYPE_CHECKING:
    from services.ingest.messages.source import SourcePacket

_MOST_BACK = TICKS // 2
"""A time that is less far back is disorder, one that is farther back a jump."""
_MOST_AHEAD = 10 * TICKS
"""A gap that is shorter is a gap, a longer one a jump."""
_NEAR = 2 * TICKS
"""So near to its own past a kind of packets must come out to follow a jump that the other has made."""
_USUAL = {Kind.VIDEO: TICKS // 30, Kind.SOUND: TICKS * 1024 // 48_000}
_MOST_STEP = TICKS
_MOST_REORDER = 5 * TICKS
"""How far behind its decoding a frame may be shown."""


class _Track:
    """Packets of one kind."""

    def __init__(self, usual: int) -> None:
        self.shift: int | None = None
        self.raw = 0
        self.placed = -1
        self.step = usual

    @property
    def next(self) -> int:
        """Where a packet without a time of its own would go."""
        return self.placed + self.step


class SourceTimeline:
    """Places packets. The first of all begins at 0; each leg goes on where the one before has ended."""

    def __init__(self) -> None:
        self._tracks = {kind: _Track(usual) for kind, usual in _USUAL.items()}
        self._shift: int | None = None
        self._leg: int | None = None

    def place(self, packet: SourcePacket) -> SourcePacket:
        """The packet at its place: decoding times of one kind always grow, and none is shown before it is decoded."""
        track = self._tracks[packet.kind]
        if packet.leg != self._leg:
            self._begin(packet)
        elif track.shift is None or self._jumps(track, packet.dts):
            track.shift = self._shift_after_jump(track, packet.dts)
        shift = track.shift if track.shift is not None else 0
        dts = max(packet.dts + shift, track.placed + 1, 0)
        pts = min(max(packet.pts + shift, dts), dts + _MOST_REORDER)
        if 0 < packet.dts - track.raw < _MOST_STEP:
            track.step = packet.dts - track.raw
        track.raw, track.placed = packet.dts, dts
        return replace(packet, pts=pts, dts=dts)

    def _begin(self, packet: SourcePacket) -> None:
        """A new leg: everything so far is before it."""
        first = self._leg is None
        self._leg = packet.leg
        start = 0 if first else max(track.next for track in self._tracks.values() if track.placed >= 0)
        self._shift = start - packet.dts
        for track in self._tracks.values():
            track.shift = None
        self._tracks[packet.kind].shift = self._shift

    def _jumps(self, track: _Track, dts: int) -> bool:
        return not track.raw - _MOST_BACK <= dts <= track.raw + _MOST_AHEAD

    def _shift_after_jump(self, track: _Track, dts: int) -> int:
        """As the other kind, where it has jumped likewise; else right after what came before."""
        if self._shift is not None and (track.placed < 0 or abs(dts + self._shift - track.next) <= _NEAR):
            return self._shift
        if self._shift is not None and track.shift is None:
            return self._shift
        self._shift = track.next - dts
        return self._shift
