"""A session of a job over a lane with a card: real children, an emulated card, a render that reads both pools."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from services.ingest.cuda import lane as card_lane
from services.ingest.cuda.decoder import CardRefused
from services.ingest.cuda.decoders import CardDecoders
from services.ingest.cuda.lane import CardLane
from services.ingest.decoders.making import Decoders, ReadVideo
from services.ingest.lane import LaneSession
from services.ingest.limits import IngestLimits
from services.ingest.videos.checksum import checksum_of
from shared.memory import layout
from shared.memory.card_reader import CardReader
from shared.model.jobs import Want
from shared.model.looks import Look
from shared.model.pictures import PixelFormat
from shared.model.sessions import BeginSession, SessionBegun
from shared.transport import wire
from tests.unit.services.ingest.conftest import LaneRig
from tests.unit.services.ingest.cuda.conftest import by_cpu

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from shared.model.frames import FramesCaptured
    from shared.model.media import DecodeSummary, Facts
    from tests.unit.services.ingest.cuda.conftest import CardRig

    MakeVideo = Callable[..., Path]


class Told(NamedTuple):
    """A frame as render has it."""

    on_card: bool
    pts: int
    checksum: int


class CardLaneRig:
    """A lane whose render reads frames wherever they lie, and releases them."""

    def __init__(self, rig: LaneRig, card: CardRig, decoders: Decoders, on_card: CardDecoders) -> None:
        self.rig = rig
        self.card = CardLane(card.pool, on_card, rig.lane.telemetry.metrics, lambda: self.why_unread)
        self.lane = replace(rig.lane, decoders=decoders, card=self.card)
        self.told: list[Told] = []
        self.begun: list[BeginSession] = []
        self.why_unread = ""
        self._device, self._host = card.device, rig.render.reader
        self._reader = CardReader(card.path, "w", card.memory)
        render: Any = rig.render
        render.begin, render.release = self.begin, self.release

    async def begin(self, received: Any) -> bytes:
        """As render does: its row in the pool that the session's frames lie in."""
        request = wire.decode(received.body, wire.decoder(BeginSession))
        self.begun.append(request)
        reader: Any = self._reader if layout.is_on_card(request.epoch) else self._host
        return wire.encode(SessionBegun(worker="w", row=reader.follow(request.epoch)))

    def release(self, message: FramesCaptured) -> None:
        for frame in message.frames:
            self.told.append(self._seen(frame))

    def _seen(self, frame: Any) -> Told:
        on_card = layout.is_on_card(frame.reference.epoch)
        if on_card:
            with self._reader.read(frame.reference, self._device) as there:
                picture = there.downloaded(self._device)
            self._reader.release(frame.reference)
        else:
            with self._host.read(frame.reference) as here:
                picture = replace(here, planes=tuple(plane.copy() for plane in here.planes))
            self._host.release(frame.reference)
        return Told(on_card, frame.pts, checksum_of(picture))

    async def feed(self, path: Path, *, card: bool = True) -> DecodeSummary:
        """A session of a job."""
        async with LaneSession(self.lane, "s") as run:

            def begin(facts: Facts) -> BeginSession:
                return BeginSession(
                    session="s", epoch=run.pool.epoch, want=Want.FACES, look=Look(), facts=facts, job="j"
                )

            return await run.feed(ReadVideo(str(path), card=card), begin, 0.0)

    def close(self) -> None:
        self._reader.close()


@pytest.fixture
async def lane(card: CardRig, tmp_path: Path) -> AsyncIterator[CardLaneRig]:
    rig = LaneRig(tmp_path)
    decoders = Decoders(rig.pool.fd, IngestLimits(), 0)
    on_card = card.decoders()
    made = CardLaneRig(rig, card, decoders, on_card)
    try:
        await decoders.start()
        await on_card.start()
        async with rig.running():
            yield made
    finally:
        made.close()
        await on_card.close()
        await decoders.close()


async def test_a_jobs_frames_lie_on_the_card_and_are_those_of_a_cpu(lane: CardLaneRig, make_video: MakeVideo) -> None:
    path = make_video("clip.mp4", frames=30, options={"bf": "2"})
    expected = by_cpu(path)
    summary = await lane.feed(path)
    await lane.rig.until(lambda: len(lane.told) == 30)
    assert lane.told == [Told(True, pts, checksum) for pts, _, checksum in expected.frames]
    assert summary == expected.summary
    assert layout.is_on_card(lane.begun[0].epoch)
    assert lane.begun[0].facts.geometry.format is PixelFormat.NV12
    assert lane.card.taken == {"": 1}
    lane.card.pool.sweep()
    assert lane.card.pool.ledger.in_use == 0
    assert lane.rig.in_use() == 0


async def test_what_the_card_does_not_decode_goes_the_hosts_way(lane: CardLaneRig, make_video: MakeVideo) -> None:
    path = make_video("clip.avi", codec="mpeg4", frames=10)
    await lane.feed(path)
    await lane.rig.until(lambda: len(lane.told) == 10)
    assert lane.told == [Told(False, pts, checksum) for pts, _, checksum in by_cpu(path).frames]
    assert lane.begun[0].facts.geometry.format is PixelFormat.I420
    assert lane.card.taken == {"The card does not decode mpeg4.": 1}


async def test_nothing_lies_on_the_card_while_others_do_not_read_it(lane: CardLaneRig, make_video: MakeVideo) -> None:
    lane.why_unread = "Detect has no card."
    await lane.feed(make_video("clip.mp4"))
    await lane.rig.until(lambda: len(lane.told) == 12)
    assert not any(one.on_card for one in lane.told)
    assert lane.card.taken == {"Detect has no card.": 1}


async def test_what_is_too_many_for_the_card_goes_the_hosts_way(
    lane: CardLaneRig, make_video: MakeVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(card_lane, "MOST_STREAMS", 0)
    await lane.feed(make_video("clip.mp4"))
    await lane.rig.until(lambda: len(lane.told) == 12)
    assert not any(one.on_card for one in lane.told)
    assert lane.card.taken == {"The card decodes as many videos as it may.": 1}


async def test_frames_that_no_slot_on_the_card_holds_go_the_hosts_way(lane: CardLaneRig, make_video: MakeVideo) -> None:
    path = make_video("clip.mp4", frames=1, size=(400, 240))
    with pytest.raises(Exception, match="No slot holds"):  # of the host's pool, which is as small
        await lane.feed(path)
    assert lane.card.taken == {"No slot on the card holds its frames.": 1}


async def test_a_task_that_was_not_opened_for_a_card_goes_the_hosts_way(
    lane: CardLaneRig, make_video: MakeVideo
) -> None:
    await lane.feed(make_video("clip.mp4"), card=False)
    await lane.rig.until(lambda: len(lane.told) == 12)
    assert not any(one.on_card for one in lane.told)


async def test_what_the_card_refuses_in_mid_stream_holds_no_slots(
    lane: CardLaneRig, make_video: MakeVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode = CardDecoders.decode

    def wrong(self: CardDecoders, reading: Any, *others: Any) -> Any:
        """As if a CPU had seen another first frame."""
        reading.coded = type(reading.coded)(codec="h264", pixels="yuv420p", begins=0, checksum=1)
        return decode(self, reading, *others)

    monkeypatch.setattr(CardDecoders, "decode", wrong)
    with pytest.raises(CardRefused, match="other samples"):
        await lane.feed(make_video("clip.mp4"))
    assert lane.told == []
    assert lane.card.pool.ledger.in_use == 0
