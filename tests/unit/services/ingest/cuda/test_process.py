"""The card decoder's loop, with streams that go wrong. Whole streams are in test_decoders.py, with real processes."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from services.ingest.cuda.decoder import CardRefused
from services.ingest.cuda.messages import CANNOT, CardReady, OpenStream, Report, StreamEnded, pack, unpack_report
from services.ingest.cuda.process import CardProcess
from services.ingest.limits import IngestLimits
from services.ingest.messages.coded import CodedStream
from services.ingest.messages.decoder import Refused, framed
from tests.cuda.emulated import WHY_NOT, EmulatedCard
from tests.cuda.pyav_decoder import RANGES, PyAVDecoder
from tests.unit.services.ingest.conftest import VIDEO

pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OPENING = OpenStream(7, CodedStream(codec="h264", pixels="yuv420p", begins=0), VIDEO)


class BrokenCard(EmulatedCard):
    """A card whose context is broken."""

    def synchronize(self) -> None:
        raise RuntimeError("an illegal address was encountered")


class Rig:
    """The loop in a thread, and the test in the place of ingest."""

    def __init__(self) -> None:
        self.control, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.gave_up = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, make: Callable[[OpenStream], Any]) -> None:
        slots: Any = None  # nothing is written
        process = CardProcess(self._theirs, slots, make, IngestLimits(), self.gave_up.set)
        self._thread = threading.Thread(target=process.run, args=(CardReady(RANGES, 3),))
        self._thread.start()

    def heard(self) -> Report:
        return unpack_report(self.control.recv(65_536))

    def open_stream(self) -> tuple[socket.socket, socket.socket]:
        """Ingest's end and the child's."""
        ours, ingest = socket.socketpair()
        child, source = socket.socketpair()
        with ingest, source:
            socket.send_fds(self.control, [pack(OPENING)], [ingest.fileno(), source.fileno()])
        return ours, child

    def close(self) -> None:
        self.control.shutdown(socket.SHUT_RDWR)
        if self._thread is not None:
            self._thread.join()
        self.control.close()
        self._theirs.close()


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    made.close()


def test_a_stream_for_which_there_is_no_decoder_is_refused_alone(rig: Rig) -> None:
    def make(_: OpenStream) -> Any:
        raise CardRefused("The card gives no decoder.")

    rig.start(make)
    assert rig.heard() == CardReady(RANGES, 3)
    for _ in range(2):
        ours, child = rig.open_stream()
        with ours, child:
            assert ours.recv(1 << 16) == framed(Refused(CANNOT, "The card gives no decoder."))
        assert rig.heard() == StreamEnded(7)
    assert not rig.gave_up.is_set()


def test_a_bug_costs_one_stream(rig: Rig, capfd: pytest.CaptureFixture[str]) -> None:
    def make(_: OpenStream) -> Any:
        raise ZeroDivisionError("a bug")

    rig.start(make)
    rig.heard()
    ours, child = rig.open_stream()
    with ours, child:
        assert ours.recv(1 << 16) == framed(Refused(CANNOT, "a bug"))
    assert rig.heard() == StreamEnded(7)
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_a_card_that_does_no_work_any_more_needs_a_new_process(rig: Rig, capfd: pytest.CaptureFixture[str]) -> None:
    device = BrokenCard()
    rig.start(lambda _: (PyAVDecoder(device, "h264"), device))
    rig.heard()
    ours, child = rig.open_stream()
    ours.close()
    child.close()
    assert rig.heard() == StreamEnded(7)
    assert rig.gave_up.is_set()
    assert "illegal address" in capfd.readouterr().err
