"""A lane's pool on a card, an emulated one or a real one, and what a CPU decodes."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import psutil
import pytest

from services.ingest.cuda import decoders
from services.ingest.cuda.decoders import CardDecoders
from services.ingest.limits import IngestLimits
from services.ingest.videos.checksum import checksum_of
from services.ingest.videos.file import VideoFile
from shared.cuda.card import Card
from shared.memory.card_memory import CudaMemory
from shared.memory.card_pool import CardPool
from shared.memory.card_segment import CardSegment
from shared.memory.layout import SlotClass
from shared.model.pictures import Picture
from shared.runtime.settings import card_environment
from tests.cuda import card_process
from tests.cuda.devices import BOTH, opened
from tests.cuda.file_memory import FileMemory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shared.memory.card_memory import CardMemory
    from shared.model.media import DecodeSummary, Span, VideoFacts
    from tests.cuda.devices import Kind

SLOTS = 8


class CardRig:
    """A pool of eight slots for small frames, and the program that decodes into it."""

    def __init__(self, folder: Path, kind: Kind) -> None:
        self.device = opened(kind)
        self.is_real = kind is Card
        self.path = folder / "pool.card"
        self.memory: CardMemory = CudaMemory() if self.is_real else FileMemory(folder)
        self.program = decoders.PROGRAM if self.is_real else card_process.PROGRAM
        self.environment = card_environment() if self.is_real else {}
        self.pool = CardPool.create(self.path, (SlotClass(SLOTS, 320 * 240 * 3 // 2),), self.memory)
        self._seen = CardSegment(os.open(self.path, os.O_RDWR), self.path.stat().st_size, self.memory)

    def decoders(self, limits: IngestLimits | None = None) -> CardDecoders:
        """What decodes on the card, not started yet."""
        return CardDecoders(self.path, 0, limits or IngestLimits(), self.environment, self.program)

    def needs(self, decoders: CardDecoders, codec: str) -> None:
        """Skip the test where a real card has no decoder for this codec."""
        if self.is_real and codec not in {one.codec for one in decoders.ranges}:
            pytest.skip(f"this card has no decoder for {codec}")

    @property
    def process(self) -> psutil.Process:
        """The one process that decodes."""
        found = []
        for one in psutil.Process().children():
            with suppress(psutil.Error):  # another child has just ended
                if self.program[1] in one.cmdline():
                    found.append(one)
        [only] = found
        return only

    def frame(self, slot: int, facts: VideoFacts) -> Picture:
        """What was written into a leased slot."""
        self._seen.wait(slot)
        return self._seen.picture(slot, facts.geometry, facts.colour).downloaded(self.device)

    def close(self) -> None:
        """Give the card back what it gave."""
        self._seen.close()
        self.pool.close()


@pytest.fixture(params=BOTH)
def card(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[CardRig]:
    folder = tmp_path / "card"
    folder.mkdir()
    rig = CardRig(folder, request.param)
    yield rig
    rig.close()


class Expected(NamedTuple):
    """What a CPU makes of a video."""

    facts: VideoFacts
    frames: list[tuple[int, int, int]]
    """Of each: pts, duration, checksum."""
    summary: DecodeSummary


def by_cpu(path: Path, fit: VideoFacts | None = None, span: Span | None = None) -> Expected:
    """The frames of a video, as the host's way has them."""
    frames = []
    with VideoFile(path, IngestLimits(), fit=fit, span=span) as video:
        for frame in video.frames():
            picture = Picture.blank(video.facts.geometry, video.facts.colour)
            frame.write_into(picture)
            frames.append((frame.pts, frame.duration, checksum_of(picture)))
        return Expected(video.facts, frames, video.summary)
