"""The child's side of a live stream: what is written to slots, what is dropped, and what the parent is told."""

from __future__ import annotations

import pytest

from services.ingest.confined.live_reading import MOST_WAITING, LiveReading
from services.ingest.limits import IngestLimits
from services.ingest.messages.decoder import (
    CodedFrame,
    CodedFrameRead,
    DecodedFrame,
    Finished,
    FramesLate,
    NoMoreFrames,
    Reply,
    SlotGrant,
    VideoOpened,
)
from services.ingest.videos.live import LiveDecoder
from shared.model.errors import Rejected
from shared.model.live import LiveCodec
from shared.model.media import DecodeSummary
from shared.model.pictures import Colour, Geometry, Picture
from tests.unit.services.ingest.coded import asked, coded

NEVER = 2**62
LONG_AGO = 1


class Child:
    """A reading, and what it has said and written."""

    def __init__(self, codec: LiveCodec = LiveCodec.I420) -> None:
        self.said: list[Reply] = []
        self.pictures: dict[int, Picture] = {}
        self.reading = LiveReading(LiveDecoder(asked(codec), IngestLimits()), self.said.append, self._picture)
        self._packets = coded(codec, 20)

    def _picture(self, grant: SlotGrant, geometry: Geometry, colour: Colour) -> Picture:
        return self.pictures.setdefault(grant.slot, Picture.blank(geometry, colour))

    def packets(self, *numbers: int, deadline_ns: int = NEVER) -> None:
        for number in numbers:
            one = self._packets[number]
            self.reading.take(CodedFrame(number, one.pts, deadline_ns, one.body))

    def grants(self, *slots: int) -> None:
        for slot in slots:
            self.reading.take(SlotGrant(slot, 0, 1 << 20))

    def of(self, kind: type[Reply]) -> list[Reply]:
        return [one for one in self.said if isinstance(one, kind)]

    @property
    def written(self) -> list[tuple[int, int]]:
        """Slot and number of each frame, in order."""
        return [(one.slot, one.number) for one in self.said if isinstance(one, DecodedFrame)]

    @property
    def passed_over(self) -> list[int]:
        return [number for one in self.said if isinstance(one, CodedFrameRead) for number in one.passed_over]

    @property
    def late(self) -> list[int]:
        return [number for one in self.said if isinstance(one, FramesLate) for number in one.numbers]


def test_a_frame_goes_into_the_slot_that_was_granted_before_it() -> None:
    child = Child()
    child.packets(0)
    child.grants(7, 8)
    child.packets(1)
    assert child.written == [(7, 0), (8, 1)]
    assert [type(one) for one in child.said[:2]] == [VideoOpened, CodedFrameRead]
    assert child.pictures[8].planes[0][2, 2] > 180


def test_the_parent_hears_once_what_the_stream_is() -> None:
    child = Child()
    child.packets(*range(10))
    assert len(child.of(VideoOpened)) == 1


def test_without_a_slot_the_oldest_are_dropped_and_the_newest_kept() -> None:
    child = Child()
    child.packets(*range(6))
    assert child.passed_over == list(range(6 - MOST_WAITING))
    child.grants(1, 2, 3)
    assert child.written == [(1, 4), (2, 5)]


def test_what_waited_too_long_is_no_frame_any_more() -> None:
    child = Child()
    child.packets(0, deadline_ns=LONG_AGO)
    child.packets(1)
    child.grants(1)
    assert (child.late, child.passed_over, child.written) == ([0], [], [(1, 1)])


def test_every_packet_is_answered_also_one_that_cannot_be_decoded() -> None:
    child = Child()
    child.packets(0)
    child.reading.take(CodedFrame(1, 40, NEVER, b"rubbish"))
    assert child.of(CodedFrameRead) == [CodedFrameRead(0, waiting=1), CodedFrameRead(1, is_damaged=True, waiting=1)]


def test_a_stream_that_breaks_a_limit_ends() -> None:
    child = Child()
    child.packets(0)
    child.reading._decoder._limits = IngestLimits(max_pixels=256)
    with pytest.raises(Rejected, match="max_pixels"):
        child.packets(1)


def test_the_end_waits_for_slots_for_what_is_left() -> None:
    child = Child(LiveCodec.H264)
    child.packets(0, 1)
    child.reading.take(NoMoreFrames())
    assert not child.reading.is_over
    child.grants(1, 2)
    assert child.reading.is_over
    assert (child.written, child.said[-1]) == ([(1, 0), (2, 1)], Finished(DecodeSummary(frames=2)))


def test_an_end_without_frames_is_an_end() -> None:
    child = Child()
    child.reading.take(NoMoreFrames())
    assert (child.reading.is_over, child.said) == (True, [Finished(DecodeSummary(frames=0))])
