"""Our own stages in one process, one after the other, without bus and pool: what the services are measured against.

It is `visavis.oneshot` with the decoder in this process and nothing beside anything else.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import cv2

from services.detect.batching import Batches, Hands
from services.detect.following import Following
from services.ingest.limits import IngestLimits
from services.ingest.pictures.still import StillPicture
from services.ingest.videos.file import VideoFile
from services.render.encoding.files import VideoEncoder
from services.render.session import RenderSession
from services.render.sinks import StillSink
from shared.model.frames import CapturedFrame, FrameReference
from shared.model.pictures import Picture
from visavis.oneshot.composed import Composed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from services.detect.finding import FaceFinder
    from services.render.session import Sink
    from shared.model.faces import Face
    from shared.model.looks import Look
    from shared.model.media import Facts

DETECT_EVERY = 8
"""As detect's setting."""
HERE = FrameReference(0, 0, 0)
cv2.setNumThreads(1)  # as in the services, and quicker on two cores


class Here:
    """The one frame that there is at a time."""

    def __init__(self, facts: Facts) -> None:
        self.picture = Picture.blank(facts.geometry, facts.colour)

    @contextmanager
    def read(self, reference: FrameReference) -> Iterator[Picture]:  # a FrameSource
        yield self.picture

    def release(self, reference: FrameReference) -> None: ...


class EncodedAtOnce:
    """A sink that encodes in the thread that draws."""

    wants_picture, wants_faces, keeps_alpha = True, False, False

    def __init__(self, encoder: VideoEncoder) -> None:
        self.encoder = encoder

    def write(self, picture: Picture, frame: CapturedFrame, faces: Sequence[Face]) -> None:
        self.encoder.write(picture, frame.pts, frame.duration)

    def abort(self) -> None:
        self.encoder.abort()


def retouch_video(source: Path, target: Path, look: Look, finder: FaceFinder) -> int:
    """Decode, find, draw and encode each frame; the number of frames."""
    with VideoFile(source, IngestLimits(), threads=2) as video:
        here, sink = Here(video.facts), EncodedAtOnce(VideoEncoder(target, video.facts))
        composed = _composed(finder, look, sink, here, video.facts.time_base)
        for sequence, frame in enumerate(video.frames()):
            frame.write_into(here.picture)
            composed.take(CapturedFrame(HERE, sequence, frame.pts, frame.duration))
        sink.encoder.close()
    return composed.session.frames_done


def retouch_still(data: bytes, look: Look, finder: FaceFinder) -> bytes:
    """Decode, find, draw and encode one picture."""
    still = StillPicture(data, IngestLimits())
    here, sink = Here(still.facts), StillSink(still.facts, still.facts.kind)
    still.write_into(here.picture)
    _composed(finder, look, sink, here, (1, 1)).take(CapturedFrame(HERE, 0, 0))
    return sink.close()


def _composed(finder: FaceFinder, look: Look, sink: Sink, here: Here, time_base: tuple[int, int]) -> Composed:
    return Composed(
        Following(finder, None, DETECT_EVERY), RenderSession(look, sink, time_base), here, Batches(), Hands()
    )
