"""Our own stages in one process, one after the other, without bus and pool: what the services are measured against."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2

from services.ingest.limits import IngestLimits
from services.ingest.still import StillPicture
from services.ingest.video import VideoFile
from services.render.drawing import Painter
from services.render.encoding import VideoEncoder
from services.render.stills import encode_still
from services.render.tracking import Tracks
from shared.model.pictures import Picture

if TYPE_CHECKING:
    from pathlib import Path

    from services.detect.finding import FaceFinder
    from shared.model.looks import Look

DETECT_EVERY = 8
"""As detect's setting."""
cv2.setNumThreads(1)  # as in the services, and quicker on two cores


def retouch_video(source: Path, target: Path, look: Look, finder: FaceFinder) -> int:
    """Decode, find, draw and encode each frame; the number of frames."""
    painter, tracks, count = Painter(), Tracks(), 0
    with VideoFile(source, IngestLimits(), threads=2) as video:
        encoder = VideoEncoder(target, video.facts)
        picture, drawn = (Picture.blank(video.facts.geometry, video.facts.colour) for _ in range(2))
        tick = video.facts.time_base[0] / video.facts.time_base[1]
        faces = None
        for count, frame in enumerate(video.frames(), 1):
            frame.write_into(picture)
            turn, between = divmod(count - 1, DETECT_EVERY)
            faces = finder.find(picture, faces, detect=between == 0, turn=turn)
            picture.copy_to(drawn)
            tracks, named = tracks.seen(faces, frame.pts * tick)
            painter.draw(drawn, named, look)
            encoder.write(drawn, frame.pts, frame.duration)
        encoder.close()
    return count


def retouch_still(data: bytes, look: Look, finder: FaceFinder) -> bytes:
    """Decode, find, draw and encode one picture."""
    still = StillPicture(data, IngestLimits())
    picture, drawn = (Picture.blank(still.facts.geometry, still.facts.colour) for _ in range(2))
    still.write_into(picture)
    picture.copy_to(drawn)
    Painter().draw(drawn, finder.find(picture), look)
    return encode_still(drawn, still.facts, still.facts.kind)
