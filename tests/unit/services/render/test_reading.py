"""The frames of sessions on the host; those on a card are in cuda/test_sessions.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from services.render.copies import HostCopies
from services.render.cuda.fetching import CardCopies
from services.render.cuda.surface_copies import SurfaceCopies
from services.render.easel import HostEasel
from services.render.nvenc.encoders import CardEncoders
from services.render.reading import LaneFrames, NoDevice
from shared.memory.host import HostPool
from shared.memory.lane_reader import LaneReader
from shared.memory.layout import CARD_BIT, SlotClass
from shared.memory.reader import HostReader
from shared.model.errors import FrameLost
from shared.model.live import LiveCodec, LiveOutput
from shared.model.media import VideoFacts
from shared.model.pictures import Colour, Geometry, PixelFormat
from tests.cuda.emulated import EmulatedCard
from tests.cuda.nvenc_stand_in import stand_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GEOMETRY = Geometry(PixelFormat.I420, 16, 16)
FACTS = VideoFacts(geometry=GEOMETRY, colour=Colour(), time_base=(1, 25), frame_rate=(25, 1))

OF_A_JOB = msgspec.structs.replace(FACTS, geometry=Geometry(PixelFormat.I420, 176, 160))
OF_JOBS = CardEncoders(frozenset({LiveCodec.H264}), EmulatedCard, stand_in, jobs=True)


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[HostPool]:
    made = HostPool.create(tmp_path / "pool", (SlotClass(2, GEOMETRY.size_bytes),))
    yield made
    made.close()


@pytest.fixture
def reader(tmp_path: Path, pool: HostPool) -> Iterator[LaneReader]:
    made = LaneReader(HostReader(tmp_path / "pool", "w"))
    yield made
    made.close()


def test_a_frame_of_the_host_is_read_and_released(pool: HostPool, reader: LaneReader) -> None:
    frames = LaneFrames(reader)
    row = frames.follow(pool.epoch)
    slot = pool.lease(GEOMETRY.size_bytes, "s")
    assert slot is not None
    for plane in pool.writable(slot, GEOMETRY, Colour()).planes:
        plane[:] = 7
    reference = pool.seal(slot, GEOMETRY, Colour(), row)
    reading = frames.begin(pool.epoch, pytest.fail)
    with reading.read(reference) as picture:
        assert np.unique(reading.copies.here(picture).planes[0]).tolist() == [7]
    reading.release(reference)
    frames.end(reading)
    pool.sweep()
    assert pool.ledger.in_use == 0
    assert isinstance(reading.easel, HostEasel)
    assert isinstance(reading.copies, HostCopies)
    assert reading.as_copied(FACTS) is FACTS


def test_frames_that_come_to_nothing_are_released(pool: HostPool, reader: LaneReader) -> None:
    frames = LaneFrames(reader)
    row, slot = frames.follow(pool.epoch), pool.lease(GEOMETRY.size_bytes, "s")
    assert slot is not None
    frames.release(pool.seal(slot, GEOMETRY, Colour(), row))
    pool.sweep()
    assert pool.ledger.in_use == 0


def test_sessions_on_a_card_have_a_device_each_which_is_used_again(reader: LaneReader) -> None:
    frames = LaneFrames(reader, EmulatedCard)
    one, other = (frames.begin(CARD_BIT, pytest.fail) for _ in range(2))
    devices = one.devices
    assert devices is not None
    assert devices is not other.devices
    assert isinstance(one.copies, CardCopies)
    assert one.as_copied(FACTS).geometry == Geometry(PixelFormat.NV12, 16, 16)
    frames.end(one)
    frames.end(one)  # once is enough
    assert frames.begin(CARD_BIT, pytest.fail).devices is devices
    assert frames.begin(CARD_BIT, pytest.fail).devices is not devices


@pytest.mark.parametrize(
    ("codec", "on_card", "made_by"),
    [(LiveCodec.H264, True, "nvenc"), (LiveCodec.AV1, True, "cpu"), (LiveCodec.H264, False, "cpu")],
)
def test_a_live_session_is_encoded_on_the_card_where_that_can_be(
    reader: LaneReader, codec: LiveCodec, on_card: bool, made_by: str
) -> None:
    frames = LaneFrames(reader, EmulatedCard, CardEncoders(frozenset({LiveCodec.H264}), EmulatedCard, stand_in))
    reading = frames.begin(CARD_BIT if on_card else 1, pytest.fail)
    encoder = reading.live_encoder(FACTS, LiveOutput(codec=codec), 1, pytest.fail)
    assert encoder.made_by == made_by
    kind = SurfaceCopies if made_by == "nvenc" else CardCopies if on_card else HostCopies
    assert isinstance(reading.copies, kind)
    assert reading.job_encoder(FACTS, 23) is None


@pytest.mark.parametrize("epoch", [CARD_BIT, 1])
def test_a_job_is_encoded_on_the_card_wherever_its_frames_lie(reader: LaneReader, epoch: int) -> None:
    reading = LaneFrames(reader, EmulatedCard, OF_JOBS).begin(epoch, pytest.fail)
    encoder = reading.job_encoder(OF_A_JOB, 23)
    assert encoder is not None
    assert (encoder.made_by, type(reading.copies)) == ("nvenc", SurfaceCopies)
    assert reading.uses_card


@pytest.mark.parametrize("epoch", [CARD_BIT, 1])
@pytest.mark.parametrize(
    "of", [FACTS, msgspec.structs.replace(OF_A_JOB, field_order=2)], ids=["too small", "interlaced"]
)
def test_what_no_card_encodes_is_left_to_x264_in_every_lane(reader: LaneReader, epoch: int, of: VideoFacts) -> None:
    reading = LaneFrames(reader, pytest.fail if epoch == 1 else EmulatedCard, OF_JOBS).begin(epoch, pytest.fail)
    assert reading.job_encoder(of, 23) is None
    assert reading.uses_card is (epoch == CARD_BIT)


def test_what_jobs_are_encoded_by_is_used_again_and_asked_whether_it_works(reader: LaneReader) -> None:
    class Failing(EmulatedCard):
        def works(self) -> bool:
            return False

    frames = LaneFrames(reader, Failing, OF_JOBS)
    used = []
    for _ in range(2):
        reading = frames.begin(1, pytest.fail)
        assert (reading.uses_card, reading.is_lost()) == (False, False)
        reading.job_encoder(OF_A_JOB, 23)
        assert (reading.uses_card, reading.is_lost()) == (True, True)
        used.append(reading.encoding)
        frames.end(reading)
    assert used[0] is used[1] is not None
    on_card = frames.begin(CARD_BIT, pytest.fail)
    assert on_card.devices is used[0]


def test_a_card_that_cannot_be_opened_is_told_with_the_reason(reader: LaneReader) -> None:
    def broken() -> EmulatedCard:
        raise RuntimeError("cudaErrorMemoryAllocation: out of memory")

    frames = LaneFrames(reader, broken, OF_JOBS)
    with pytest.raises(NoDevice, match="cannot be opened for a session now: cudaErrorMemoryAllocation"):
        frames.begin(CARD_BIT, pytest.fail)
    with pytest.raises(NoDevice, match="out of memory"):
        frames.begin(1, pytest.fail).job_encoder(OF_A_JOB, 23)


def test_without_a_card_a_session_on_one_cannot_begin(reader: LaneReader) -> None:
    with pytest.raises(FrameLost, match="card"):
        LaneFrames(reader).begin(CARD_BIT, pytest.fail)
