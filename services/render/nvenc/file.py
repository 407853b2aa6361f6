"""A file of a job's pictures, encoded by the card."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.render.outputs.muxing import Muxer, Tracks
from shared.model.errors import Unavailable

if TYPE_CHECKING:
    from pathlib import Path

    from services.render.copies import Copy
    from services.render.encoding.live import LiveEncoder


class NvencFile:
    """As `VideoEncoder`: an MP4 file of H.264, every pts as given; of progressive pictures.

    All files of the same facts have the same parameter sets if cards and drivers are alike: parts are joined by that.
    """

    made_by = "nvenc"

    def __init__(self, path: Path, encoder: LiveEncoder) -> None:
        """The file is opened by the first picture. encoder: takes surfaces, gives H.264."""
        self._path, self._encoder = path, encoder
        self._muxer: Muxer | None = None

    def write(self, picture: Copy, pts: int, duration: int) -> None:
        """Encode the next picture. Raises NvencFailed where the card's encoder does not do it."""
        for packet in self._encoder.encode(picture, pts, duration):
            if self._muxer is None:
                self._muxer = Muxer(f"file:{self._path}", "mp4", Tracks(self._encoder.track, packet))
            self._muxer.write(packet)

    def close(self) -> None:
        """Finish the file. Raises Unavailable where not one picture came: there is none, then."""
        if self._muxer is None:
            raise Unavailable("The part has no picture: of its frames none has come.")
        self._muxer.close()

    def abort(self) -> None:
        """Stop, and leave no file behind; also after a failed `close`."""
        try:
            if self._muxer is not None:
                self._muxer.close()
        finally:
            self._path.unlink(missing_ok=True)
