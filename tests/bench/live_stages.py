"""The stages of a live stream in one process, frame by frame: what the services' delay is measured against."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from services.ingest.limits import IngestLimits
from services.ingest.videos.live import LiveDecoder
from services.render.drawing import Painter
from services.render.encoding.live import LiveEncoder
from services.render.tracking import Tracks
from shared.model.live import LiveInput, LiveOutput
from shared.model.pictures import Picture
from tests.bench.composition import DETECT_EVERY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.detect.finding import FaceFinder
    from shared.model.faces import Face
    from shared.model.looks import Look


class Coded(NamedTuple):
    """One packet."""

    pts: int
    key: bool
    body: bytes


class Stages:
    """Decode, find, draw and encode one stream."""

    def __init__(self, asked: LiveInput, look: Look, finder: FaceFinder) -> None:
        self._decoder = LiveDecoder(asked, IngestLimits())
        self._look, self._finder, self._clock_hz = look, finder, asked.clock_hz
        self._painter, self._tracks = Painter(), Tracks()
        self._encoder: LiveEncoder | None = None
        self._pictures: list[Picture] = []
        self._faces: Sequence[Face] | None = None
        self._count = 0

    def frame(self, packet: Coded) -> float:
        """Milliseconds for one frame, from packet to packet."""
        started = time.perf_counter()
        for image in self._decoder.decode(self._count, packet.pts, packet.body):
            facts = self._decoder.facts
            assert facts is not None
            if self._encoder is None:
                self._encoder = LiveEncoder(facts, LiveOutput(), 1)
                self._pictures = [Picture.blank(facts.geometry, facts.colour) for _ in range(2)]
            picture, drawn = self._pictures
            image.write_into(picture)
            turn, between = divmod(self._count, DETECT_EVERY)
            self._faces = self._finder.find(picture, self._faces, detect=between == 0, turn=turn)
            picture.copy_to(drawn)
            self._tracks, named = self._tracks.seen(self._faces, image.pts / self._clock_hz)
            self._painter.draw(drawn, named, self._look)
            self._encoder.encode(drawn, image.pts, image.duration)
        self._count += 1
        return (time.perf_counter() - started) * 1000


def run(packets: Sequence[Coded], asked: LiveInput, look: Look, finder: FaceFinder, rate: float) -> list[float]:
    """Milliseconds of each frame, begun when a live one would come."""
    stages, started, took = Stages(asked, look, finder), time.perf_counter(), []
    for number, packet in enumerate(packets):
        time.sleep(max(0.0, started + number / rate - time.perf_counter()))
        took.append(stages.frame(packet))
    return took
