"""Cuts coded pictures and sound into the segments of HLS: fragments of MP4 (CMAF) that begin with key frames."""

from __future__ import annotations

import struct
from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple

from services.render.outputs.muxing import Muxer, Tracks, refuse_uncarried

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from services.render.encoding.packets import EncodedPacket, PictureTrack
    from shared.model.live import SoundOpened, SoundPacket

GAP_SECONDS: Final = 1.0
"""Where pictures pause for longer, a new timeline begins."""
SOUND_AHEAD: Final = 2000
"""Pieces of sound that wait for their pictures, at most; the oldest go first."""
_OPTIONS: Final = {
    # One fragment a file, whose decode times are absolute though each comes from a muxer of its own.
    "movflags": "+frag_custom+empty_moov+default_base_moof+frag_discont+skip_trailer",
    "avoid_negative_ts": "disabled",
    "use_editlist": "0",
}
_HEAD: Final = frozenset({b"ftyp", b"moov"})


class Init(NamedTuple):
    """What players read once before segments."""

    name: str
    body: bytes


class Segment(NamedTuple):
    """One piece of the stream."""

    name: str
    body: bytes
    duration_seconds: float
    began: float
    """When its first picture was there, seconds since 1970."""
    init: Init
    discontinuity: bool
    """Whether its head or its timeline are not those of the segment before."""


class Cutter:
    """Says where segments begin."""

    def __init__(self, segment_seconds: float) -> None:
        self._seconds = segment_seconds
        self._start: int | None = None
        self._unit, self._length = Fraction(1), Fraction(0)

    def begin(self, track: PictureTrack) -> None:
        """Other pictures follow: they begin a segment."""
        self._unit = Fraction(*track.facts.time_base)
        half_a_frame = 1 / Fraction(*track.facts.frame_rate) / 2
        self._length = (Fraction(self._seconds) - half_a_frame) / self._unit
        self._start = None

    def due(self, pts: int) -> bool:
        """True if a segment should begin with the picture at pts, which takes a key frame."""
        return self._start is None or pts - self._start >= self._length

    def cut(self, pts: int) -> None:
        """A segment begins there."""
        self._start = pts


@dataclass(slots=True)
class _Timeline:
    """As long as head and clock stay the same."""

    tracks: Tracks
    start: int
    """The first pts."""
    began: float
    """When that was, seconds since 1970."""
    shift: int
    """The pts that becomes 0: MP4 counts from there."""
    init: Init | None = None


class SegmentMaker:
    """Packets in, segments out. A segment is there when the next one begins."""

    def __init__(self, segment_seconds: float, run: str, now: Callable[[], float]) -> None:
        """run: makes names differ from those of any other maker. now: seconds since 1970."""
        self._cutter, self._run, self._now = Cutter(segment_seconds), run, now
        self._track: PictureTrack | None = None
        self._sound: SoundOpened | None = None
        self._sounds: deque[SoundPacket] = deque(maxlen=SOUND_AHEAD)
        self._packets: list[EncodedPacket] = []
        self._timeline: _Timeline | None = None
        self._discontinuity = False
        self._count = 0

    def begin(self, track: PictureTrack) -> list[Segment]:
        """Pictures of this track follow. Raises Rejected for a codec that HLS does not carry."""
        refuse_uncarried(track.codec)
        if track == self._track:
            return []
        finished = self.close()
        self._track = track
        self._cutter.begin(track)
        return finished

    def open_sound(self, sound: SoundOpened) -> list[Segment]:
        """This sound follows."""
        if sound == self._sound:
            return []
        finished = self.close()
        self._sounds.clear()
        self._sound = sound
        return finished

    def write(self, packet: EncodedPacket) -> list[Segment]:
        """Add a picture; before the first key frame of a timeline they are left out."""
        if self._track is None:
            raise ValueError("a packet came before its track")
        finished = self.close() if self._is_after_a_gap(packet, self._track) else []
        if packet.key and (not self._packets or self._cutter.due(packet.pts)):
            finished += self._finish(packet.pts)
            self._cutter.cut(packet.pts)
            self._timeline = self._timeline or self._new_timeline(packet, self._track)
        if self._timeline is not None:
            self._packets.append(packet)
        return finished

    def write_sound(self, packet: SoundPacket) -> None:
        """Add a piece of sound; it goes with the pictures of its time."""
        self._sounds.append(packet)

    def close(self) -> list[Segment]:
        """What there is of the last segment. What follows is a timeline of its own."""
        finished = self._finish(max((packet.pts + packet.duration for packet in self._packets), default=0))
        self._timeline = None
        self._discontinuity = self._count > 0
        return finished

    def _is_after_a_gap(self, packet: EncodedPacket, track: PictureTrack) -> bool:
        if not self._packets:
            return False
        gap = packet.pts - self._packets[-1].pts - self._packets[-1].duration
        return gap * Fraction(*track.facts.time_base) > GAP_SECONDS

    def _new_timeline(self, first: EncodedPacket, track: PictureTrack) -> _Timeline:
        while self._sounds and self._sounds[0].pts + self._sounds[0].duration <= first.pts:
            self._sounds.popleft()
        return _Timeline(Tracks(track, first, self._sound), first.pts, self._now(), min(0, first.dts))

    def _finish(self, end: int) -> list[Segment]:
        """The segment of the packets that wait, with the sound before its end."""
        timeline = self._timeline
        if timeline is None or not self._packets:
            return []
        body = self._muxed(timeline, end)
        name = f"{self._run}-{self._count}"
        timeline.init = timeline.init or Init(f"init-{name}.mp4", _boxes(body, head=True))
        start, unit = self._packets[0].pts, Fraction(*timeline.tracks.picture.facts.time_base)
        segment = Segment(
            name=f"segment-{name}.m4s",
            body=_boxes(body, head=False),
            duration_seconds=float((end - start) * unit),
            began=timeline.began + float((start - timeline.start) * unit),
            init=timeline.init,
            discontinuity=self._discontinuity,
        )
        self._count, self._discontinuity = self._count + 1, False
        self._packets.clear()
        return [segment]

    def _muxed(self, timeline: _Timeline, end: int) -> bytes:
        target = _Memory()
        options = {**_OPTIONS, "fragment_index": str(self._count + 1)}
        muxer = Muxer(target, "mp4", timeline.tracks, options, timeline.shift)
        for packet in self._packets:
            muxer.write(packet)
        while self._sounds and self._sounds[0].pts < end:
            muxer.write_sound(self._sounds.popleft())
        muxer.close()
        return bytes(target.body)


class _Memory:
    def __init__(self) -> None:
        self.body = bytearray()

    def write(self, piece: bytes, /) -> int:
        self.body += piece
        return len(piece)


def _boxes(body: bytes, *, head: bool) -> bytes:
    """The boxes at the top that belong to the head, or those that do not."""
    return b"".join(box for name, box in _each_box(body) if (name in _HEAD) == head)


def _each_box(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at < len(body):
        size, name = struct.unpack_from(">I4s", body, at)
        yield name, body[at : at + size]
        at += size
