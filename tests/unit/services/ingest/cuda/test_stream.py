"""One video's way over the card, with what a decoder may do wrong."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest

from services.ingest.cuda.decoder import CardRefused, Decoded
from services.ingest.cuda.messages import CANNOT, SOURCE_GONE, OpenStream
from services.ingest.cuda.stream import CardStream, told
from services.ingest.cuda.talk import StreamTalk
from services.ingest.limits import IngestLimits
from services.ingest.messages.coded import CodedEnded, CodedPacket, CodedStream
from services.ingest.messages.decoder import DecodedFrame, Finished, Refused, SlotGrant, framed, unpack_reply
from services.ingest.videos.checksum import checksum_of
from shared.cuda.pictures import CardPicture
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat
from tests.cuda.emulated import WHY_NOT, EmulatedCard
from tests.unit.services.ingest.conftest import VIDEO

pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from services.ingest.messages.decoder import Reply

SIZE = Geometry(PixelFormat.NV12, 64, 48)
FACTS = msgspec.structs.replace(VIDEO, geometry=SIZE, frames_expected=0)


def painted(value: int) -> Picture:
    """A frame that is all of one value."""
    return Picture.over(SIZE, Colour(), np.full(SIZE.size_bytes, value, np.uint8))


class Scripted:
    """A decoder whose packets are numbers: each has a frame of that value, `delay` packets later."""

    def __init__(self, delay: int = 2, rows: int = 48) -> None:
        self.held: list[Decoded] = []
        self._delay, self._rows = delay, rows

    def decode(self, body: bytes, number: int, pts: int | None) -> list[Decoded]:
        if body == b"bad":
            raise CardRefused("The card's decoder gives up.")
        if body != b"lost":
            luma = np.full((self._rows, 64), body[0], np.uint8)
            self.held.append(Decoded(number, luma, np.full((self._rows // 2, 32, 2), body[0], np.uint8)))
        ready, self.held = self.held[: -self._delay], self.held[-self._delay :]
        return ready

    def flush(self) -> list[Decoded]:
        return self.held

    def close(self) -> None:
        return


class Slots:
    """As a CardWriter: slots in the memory of this process."""

    def __init__(self) -> None:
        self.pictures: dict[int, CardPicture] = {}
        self.told: list[int] = []

    def writable(self, slot: int, geometry: Geometry, colour: Colour) -> CardPicture:
        return self.pictures.setdefault(slot, CardPicture.blank(EmulatedCard(), geometry, colour))

    def written(self, slot: int, _: object) -> None:
        self.told.append(slot)


class Rig:
    """A stream in a thread, and the test in the place of ingest and of the child."""

    def __init__(self) -> None:
        self.slots = Slots()
        self.ingest, theirs = socket.socketpair()
        self.child, source = socket.socketpair()
        self.ingest.settimeout(20)
        self._talk = StreamTalk(theirs, source, 20)
        self._thread: threading.Thread | None = None

    def start(self, decoder: Any, limits: IngestLimits | None = None, **coded: Any) -> None:
        asked = {"codec": "h264", "pixels": "yuv420p", "begins": 0, "checksum": checksum_of(painted(0))} | coded
        end = asked.pop("end", None)
        opening = OpenStream(1, CodedStream(**asked), FACTS, 0, end)
        stream = CardStream(opening, self._talk, (decoder, EmulatedCard(), self.slots), limits or IngestLimits())
        self._thread = threading.Thread(target=told, args=(self._talk, stream.run))
        self._thread.start()

    def send(self, *bodies: bytes, **marks: Any) -> None:
        """Packets of one frame each, 40 apart."""
        for number, body in enumerate(bodies):
            known = {"dts": None, "duration": 40, "is_damaged": False, "is_hidden": False} | marks
            self.child.sendall(framed(CodedPacket(number=number, pts=number * 40, body=body, **known)))

    def end(self, damaged: int = 0, *, early: bool = False) -> None:
        self.child.sendall(framed(CodedEnded(damaged, early)))

    def grant(self, *slots: int) -> None:
        for slot in slots:
            self.ingest.sendall(framed(SlotGrant(slot, 0, 1 << 20)))

    def hear(self) -> Reply:
        length = int.from_bytes(self.ingest.recv(4), "little")
        return unpack_reply(self.ingest.recv(length, socket.MSG_WAITALL))

    def close(self) -> None:
        self.child.close()
        self.ingest.close()
        if self._thread is not None:
            self._thread.join()
        self._talk.close()


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    made.close()


def values(*numbers: int) -> list[bytes]:
    return [bytes([number]) for number in numbers]


def test_frames_go_into_slots_in_the_order_in_which_they_are_granted(rig: Rig) -> None:
    rig.start(Scripted())
    rig.send(*values(0, 11, 12, 13))
    rig.end(damaged=1, early=True)
    rig.grant(3, 1, 0, 2)
    heard = [rig.hear() for _ in range(5)]
    assert heard[:4] == [DecodedFrame(slot, at, at * 40, 40) for at, slot in enumerate((3, 1, 0, 2))]
    assert isinstance(heard[4], Finished)
    summary = heard[4].summary
    assert (summary.frames, summary.damaged_packets, summary.ended_early) == (4, 1, True)
    assert summary.notice == "The file ends early: 4 frames could be read."
    assert rig.slots.told == [3, 1, 0, 2]
    assert [int(rig.slots.pictures[slot].planes[0].max()) for slot in (3, 1, 0, 2)] == [0, 11, 12, 13]


def test_frames_before_the_beginning_and_from_the_end_on_are_not_delivered(rig: Rig) -> None:
    rig.start(Scripted(), begins=80, end=160, checksum=checksum_of(painted(2)))
    rig.send(*values(0, 1, 2, 3, 4, 5, 6))
    rig.grant(0, 1, 2)
    assert [rig.hear(), rig.hear()] == [DecodedFrame(0, 0, 80, 40), DecodedFrame(1, 1, 120, 40)]
    last = rig.hear()
    assert isinstance(last, Finished)
    assert last.summary.frames == 2
    assert last.summary.end_seconds == 0.16


def test_frames_that_only_help_others_are_not_delivered(rig: Rig) -> None:
    rig.start(Scripted())
    rig.send(*values(0, 1))
    rig.child.sendall(framed(CodedPacket(2, 80, None, 40, is_damaged=False, is_hidden=True, body=b"2")))
    rig.child.sendall(framed(CodedPacket(3, 120, None, 40, is_damaged=False, is_hidden=False, body=b"3")))
    rig.end()
    rig.grant(0, 1, 2)
    assert [rig.hear() for _ in range(3)] == [DecodedFrame(at, at, pts, 40) for at, pts in enumerate((0, 40, 120))]


def test_packets_that_no_frame_came_of_are_counted(rig: Rig) -> None:
    rig.start(Scripted())
    rig.send(*values(0, 1), b"lost", b"lost", *values(4))
    rig.end()
    rig.grant(0, 1, 2)
    assert [rig.hear() for _ in range(3)] == [DecodedFrame(at, at, pts, 40) for at, pts in enumerate((0, 40, 160))]
    last = rig.hear()
    assert isinstance(last, Finished)
    assert last.summary.damaged_packets == 2
    assert last.summary.notice == "The file is damaged in 2 places: 3 frames could be read."


@pytest.mark.parametrize(
    ("decoder", "bodies", "coded", "why"),
    [
        (Scripted, values(0), {"checksum": 5}, "other samples than a CPU's"),
        (Scripted, values(0), {"begins": -40}, "first frame is another one"),
        (Scripted, [b"lost"], {}, "decoded none of its frames"),
        (Scripted, [b"bad"], {}, "decoder gives up"),
        (lambda: Scripted(rows=50), values(0), {}, "change their size to 64x50"),
    ],
)
def test_what_a_cpu_may_do_better_is_refused_with_the_reason(
    rig: Rig, decoder: Callable[[], Scripted], bodies: list[bytes], coded: dict[str, Any], why: str
) -> None:
    rig.start(decoder(), **coded)
    rig.send(*bodies)
    if bodies != [b"bad"]:
        rig.end()
    rig.grant(0)
    last = rig.hear()
    assert isinstance(last, Refused)
    assert last.code == CANNOT
    assert why in last.detail


def test_a_frame_of_no_packet_is_refused(rig: Rig) -> None:
    decoder = Scripted()
    decoder.held.append(Decoded(77, np.zeros((48, 64), np.uint8), np.zeros((24, 32, 2), np.uint8)))
    rig.start(decoder)
    rig.end()
    assert rig.hear() == Refused(CANNOT, "The card gave a frame that no packet asked for.")


def test_a_stream_whose_frames_never_come_is_given_up(rig: Rig) -> None:
    rig.start(Scripted())
    rig.send(*[b"lost"] * 513)
    assert rig.hear() == Refused(CANNOT, "The card gave no frames for 512 packets.")


def test_a_video_that_is_too_long_is_refused_as_on_a_cpu(rig: Rig) -> None:
    rig.start(Scripted(), IngestLimits(max_frames=2))
    rig.send(*values(0, 1, 2, 3, 4))
    rig.grant(0, 1, 2)
    assert [rig.hear(), rig.hear()] == [DecodedFrame(0, 0, 0, 40), DecodedFrame(1, 1, 40, 40)]
    last = rig.hear()
    assert isinstance(last, Refused)
    assert last.code == "too-long"


def test_what_the_child_refuses_is_handed_on(rig: Rig) -> None:
    rig.start(Scripted())
    rig.child.sendall(framed(Refused("too-demanding", "A frame has more bytes.")))
    assert rig.hear() == Refused("too-demanding", "A frame has more bytes.")


def test_a_child_that_ends_without_a_word_is_told(rig: Rig) -> None:
    rig.start(Scripted())
    rig.send(*values(0))
    rig.child.close()
    assert rig.hear() == Refused(SOURCE_GONE, "")
