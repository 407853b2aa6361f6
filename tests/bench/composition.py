"""Our own stages in one process, without bus and pool: what the services are measured against."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from services.detect.finding import FaceFinder
from services.ingest.limits import IngestLimits
from services.ingest.still import StillPicture
from services.ingest.video import VideoFile
from services.render.session import RenderSession
from services.render.sinks import StillSink, VideoSink
from shared.model.frames import CapturedFrame, DetectedFrame, FrameReference
from shared.model.pictures import Colour, Picture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shared.model.looks import Look

DETECT_EVERY = 8
NOWHERE = FrameReference(0, 0, 0)


class _OneFrame:
    """The frame in hand, as a source for a render session."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture

    @contextmanager
    def read(self, _: FrameReference) -> Iterator[Picture]:
        yield self._picture

    def release(self, _: FrameReference) -> None:
        """It is used again for the next."""


def retouch_video(source: Path, target: Path, look: Look, finder: FaceFinder) -> int:
    """Decode, find, draw and encode one frame after the other; the number of frames."""
    with VideoFile(source, IngestLimits(), threads=2) as video:
        sink = VideoSink(target, video.facts, "veryfast", 23, 0)
        session = RenderSession(look, sink)
        picture = Picture.blank(video.facts.geometry, video.facts.colour)
        faces = None
        for number, frame in enumerate(video.frames()):
            frame.write_into(picture)
            faces = finder.find(picture, faces, detect=number % DETECT_EVERY == 0)
            captured = CapturedFrame(NOWHERE, number, frame.pts, frame.duration)
            session.feed([DetectedFrame(captured, tuple(faces))], _OneFrame(picture))
        sink.close()
    return session.frames_done


def retouch_still(data: bytes, look: Look, finder: FaceFinder) -> bytes:
    """Decode, find, draw and encode one picture."""
    still = StillPicture(data, IngestLimits())
    picture = Picture.blank(still.facts.geometry, Colour())
    still.write_into(picture)
    sink = StillSink(still.facts, still.facts.kind)
    captured = CapturedFrame(NOWHERE, 0, 0, 0)
    RenderSession(look, sink).feed([DetectedFrame(captured, tuple(finder.find(picture)))], _OneFrame(picture))
    return sink.close()
