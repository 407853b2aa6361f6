"""An outlet that makes segments of HLS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.render.outputs.segments import SegmentMaker

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.render.encoding.packets import EncodedPacket, PictureTrack
    from services.render.outputs.segments import Segment
    from services.render.outputs.shelf import HlsShelf
    from shared.model.live import HlsOutput, SoundOpened, SoundPacket


class HlsOutlet:
    """Packets in, segments onto a shelf."""

    wants_key = False  # the fan knows when a segment is due, before the picture is encoded

    def __init__(self, output: HlsOutput, shelf: HlsShelf, run: str, now: Callable[[], float]) -> None:
        """run, now: as `SegmentMaker` wants them."""
        self._maker = SegmentMaker(output.segment_seconds, run, now)
        self._shelf = shelf
        self._over = False

    def begin(self, track: PictureTrack) -> None:
        """Pictures of this track follow."""
        self._shelve(self._maker.begin(track))

    def open_sound(self, sound: SoundOpened) -> None:
        """This sound follows."""
        self._shelve(self._maker.open_sound(sound))

    def write(self, packet: EncodedPacket) -> None:
        """Add a picture."""
        self._shelve(self._maker.write(packet))

    def write_sound(self, packet: SoundPacket) -> None:
        """Add a piece of sound."""
        self._maker.write_sound(packet)

    def end(self) -> None:
        """The playlist is to say that no segment follows."""
        self._over = True

    def close(self) -> None:
        """Hand over the last segment."""
        try:
            self._shelve(self._maker.close())
        finally:
            self._shelf.close(over=self._over)

    def abort(self) -> None:
        """Wait for the store no longer."""
        self._shelf.abort()

    def _shelve(self, segments: list[Segment]) -> None:
        for segment in segments:
            self._shelf.put(segment)
