"""What becomes of drawn frames: an encoded video, a list of faces, or one picture."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

import msgspec

from services.render.copies import on_host
from services.render.encoding.files import VideoEncoder
from services.render.encoding.stills import encode_still
from services.render.encoding.thread import EncoderThread
from services.render.precedence import stand_back
from shared.model.faces import face_document

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from services.render.copies import Copies, Copy, Frame
    from shared.model.faces import Face
    from shared.model.frames import CapturedFrame
    from shared.model.media import MediaKind, StillFacts, VideoFacts

    Encoded = Callable[[str, float, str], None]
    """Is told how a picture was encoded, as `h264` or `jpeg`, in how many seconds and by whom, `cpu` or `nvenc`, in the
    thread that did it."""

FRAMES_AHEAD = 3
"""Frames that are drawn and not yet encoded; more would not keep the encoder busier."""


def unheard(*_: object) -> None:
    """Nobody asks what encoding takes."""


class FileEncoder(Protocol):
    """Writes pictures into a file, as `VideoEncoder`."""

    made_by: str
    """`cpu` or `nvenc`."""

    def write(self, picture: Copy, pts: int, duration: int) -> None:
        """The next picture; its memory may be used again on return."""
        ...

    def close(self) -> None:
        """Finish the file."""
        ...

    def abort(self) -> None:
        """Leave none behind."""
        ...


class VideoSink:
    """Encodes every frame into a file, in a thread of its own: the next frames are drawn meanwhile.

    The thread stands back, and so do x264's: they are made by it, with the first frame.
    """

    wants_picture = True
    wants_faces = False
    keeps_alpha = False

    def __init__(
        self,
        path: Path,
        facts: VideoFacts,
        preset: str,
        crf: float,
        threads: int,
        copies: Copies | None = None,
        encoder: FileEncoder | None = None,
    ) -> None:
        """preset, crf, threads: of x264. copies: of frames for the encoder; None: they lie on the host.

        encoder: that writes into `path`; None: x264.
        """
        self.encoded: Encoded = unheard
        self._path = path
        self._encoder: FileEncoder = encoder or VideoEncoder(path, facts, preset=preset, crf=crf, threads=threads)
        self._thread = EncoderThread(FRAMES_AHEAD, stand_back, copies)

    def write(self, picture: Frame, frame: CapturedFrame, faces: Sequence[Face]) -> None:  # noqa: ARG002  -- a Sink
        """Have one frame encoded; waits while FRAMES_AHEAD are. Raises what encoding an earlier one raised."""
        self._thread.take(picture, lambda copy: self._write(copy, frame))

    def _write(self, copy: Copy, frame: CapturedFrame) -> None:
        started = time.perf_counter()
        self._encoder.write(copy, frame.pts, frame.duration)
        self.encoded("h264", time.perf_counter() - started, self._encoder.made_by)

    def close(self) -> Path:
        """Finish the file; answers where it lies."""
        self._thread.close()
        self._encoder.close()
        return self._path

    def abort(self) -> None:
        """Leave no file behind."""
        self._thread.abort()
        self._encoder.abort()


class FacesSink:
    """Writes one line of JSON a frame. Of a segment the first line is the frame before it, by which faces are known."""

    wants_picture = False
    wants_faces = True
    keeps_alpha = False

    def __init__(self, path: Path, facts: VideoFacts, first: int = 0) -> None:
        """first: how many frames of the video lie before this session's."""
        self.encoded: Encoded = unheard
        self._path, self._first = path, first
        self._facts = facts
        self._file = path.open("wb")

    def write(self, picture: Frame, frame: CapturedFrame, faces: Sequence[Face]) -> None:
        """Write the frame's line."""
        numerator, denominator = self._facts.time_base
        line = {
            "frame": self._first + frame.sequence,
            "pts_seconds": round(frame.pts * numerator / denominator, 6),
            "width": picture.geometry.width,
            "height": picture.geometry.height,
            "faces": [face_document(face) for face in faces],
        }
        self._file.write(msgspec.json.encode(line) + b"\n")

    def close(self) -> Path:
        """Finish the file; answers where it lies."""
        self._file.close()
        return self._path

    def abort(self) -> None:
        """Leave no file behind."""
        self._file.close()
        self._path.unlink(missing_ok=True)


class StillSink:
    """Keeps the one frame and its faces."""

    wants_faces = True

    def __init__(self, facts: StillFacts, kind: MediaKind | None) -> None:
        self.encoded: Encoded = unheard
        self.kind = kind
        self.wants_picture = kind is not None
        self.keeps_alpha = kind is not None and kind.keeps_alpha
        self.faces: Sequence[Face] = ()
        self._facts = facts
        self._encoded = b""

    def write(self, picture: Frame, frame: CapturedFrame, faces: Sequence[Face]) -> None:  # noqa: ARG002  -- a Sink
        """Encode the picture, if one is wanted, while it is there."""
        self.faces = faces
        if self.kind is not None:
            fetched, started = on_host(picture), time.perf_counter()
            self._encoded = encode_still(fetched, self._facts, self.kind)
            self.encoded(self.kind.name.lower(), time.perf_counter() - started, "cpu")

    def close(self) -> bytes:
        """The encoded picture; empty if none was wanted."""
        return self._encoded

    def abort(self) -> None:
        """Nothing was written anywhere."""
