"""A lane's pool on an emulated card, and what a CPU decodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from services.ingest.checksum import checksum_of
from services.ingest.limits import IngestLimits
from services.ingest.video import VideoFile
from shared.memory.card_pool import CardPool
from shared.memory.layout import SlotClass
from shared.model.pictures import Picture
from tests.cuda.emulated import EmulatedCard
from tests.cuda.file_memory import FileMemory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shared.model.media import DecodeSummary, Span, VideoFacts

SLOTS = 8


class CardRig:
    """A pool of eight slots for small frames on an emulated card."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "pool.card"
        self.pool = CardPool.create(self.path, (SlotClass(SLOTS, 320 * 240 * 3 // 2),), FileMemory(folder))
        self.device = EmulatedCard()

    def frame(self, slot: int, facts: VideoFacts) -> Picture:
        """What lies in a leased slot."""
        return self.pool.writable(slot, facts.geometry, facts.colour).downloaded(self.device)


@pytest.fixture
def card(tmp_path: Path) -> Iterator[CardRig]:
    folder = tmp_path / "card"
    folder.mkdir()
    rig = CardRig(folder)
    yield rig
    rig.pool.close()


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
