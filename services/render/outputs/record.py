"""Records a live session as MP4.

While it is written the file is fragmented, readable up to the last key frame whatever happens; closing turns it, in
place, into one with an index (FFmpeg's hybrid_fragmented).
"""

from __future__ import annotations

import contextlib
import secrets
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.render.outputs.muxing import Muxer, Tracks, refuse_uncarried

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.render.encoding.packets import EncodedPacket, PictureTrack
    from services.render.outputs.outlet import Notice
    from shared.model.live import SoundOpened, SoundPacket

_OPTIONS: Final = {
    # delay_moov: the head is written after the first fragment, when it is known where pictures and sound begin.
    "movflags": "+hybrid_fragmented+frag_keyframe+default_base_moof+delay_moov",
    "flush_packets": "1",
}


class Recorder:
    """An outlet. Times in the file begin at 0; where pictures pause, so does the file's time."""

    wants_key = False

    def __init__(self, folder: Path, max_seconds: float, keep: Callable[[Path], None], notice: Notice) -> None:
        """folder: for the file while it is written; made if missing, removed when empty.

        keep: takes each finished file.
        max_seconds: of all files together; then it stops and tells `recording-full`.
        """
        self._folder, self._keep, self._notice = folder, keep, notice
        self._left = Fraction(max_seconds)
        self._track: PictureTrack | None = None
        self._sound: SoundOpened | None = None
        self._muxer: Muxer | None = None
        self._start = self._end = 0
        self._path = folder
        self._full = False

    def begin(self, track: PictureTrack) -> None:
        """Pictures of this track follow. Raises Rejected for a codec that MP4 does not carry here."""
        refuse_uncarried(track.codec)
        if track != self._track:
            self._finish()
            self._track = track

    def open_sound(self, sound: SoundOpened) -> None:
        """This sound follows."""
        if sound != self._sound:
            self._finish()
            self._sound = sound

    def write(self, packet: EncodedPacket) -> None:
        """Add a picture; a file begins with a key frame."""
        if self._full or self._track is None:
            return
        if self._muxer is None and packet.key:
            self._open(packet, self._track)
        if self._muxer is None:
            return
        if self._seconds(packet.pts + packet.duration) > self._left:
            self._full = True
            self._finish()
            self._notice("recording-full", "The recording is as long as it was allowed to be and has ended.")
            return
        self._muxer.write(packet)
        self._end = max(self._end, packet.pts + packet.duration)

    def write_sound(self, packet: SoundPacket) -> None:
        """Add a piece of sound, unless it is from before the first picture."""
        if self._muxer is not None and packet.pts >= self._start:
            self._muxer.write_sound(packet)

    def end(self) -> None:
        """A file is told no more than by `close`."""

    def close(self) -> None:
        """Finish the file and hand it over."""
        self._finish()

    def abort(self) -> None:
        """It waits for nothing but the disk and who keeps it."""

    def _open(self, first: EncodedPacket, track: PictureTrack) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._path = self._folder / f"{secrets.token_hex(8)}.mp4"  # others may be being handed over
        self._start = self._end = first.pts
        tracks = Tracks(track, first, self._sound)
        self._muxer = Muxer(f"file:{self._path}", "mp4", tracks, _OPTIONS, first.pts)

    def _finish(self) -> None:
        if self._muxer is None:
            return
        muxer, self._muxer = self._muxer, None
        try:
            muxer.close()
        finally:  # a file that cannot be finished can be read up to its last key frame
            self._left -= self._seconds(self._end)
            self._hand_over()

    def _hand_over(self) -> None:
        """The file goes when somebody else has it, and not before: there is no other."""
        if self._path.stat().st_size:
            self._keep(self._path)
        self._path.unlink()
        with contextlib.suppress(OSError):  # others lie there
            self._folder.rmdir()

    def _seconds(self, end: int) -> Fraction:
        unit = Fraction(*self._track.facts.time_base) if self._track is not None else Fraction(0)
        return (end - self._start) * unit
