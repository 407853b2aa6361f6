from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from services.render.encoding.packets import EncodedPacket, PictureTrack
from services.render.outputs.outlet import WAITING_PACKETS, Item, RunningOutlet
from shared.model.errors import Rejected, Unavailable
from shared.model.live import LiveCodec
from tests.unit.services.render.live import facts, sound_opened, sounds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.services.render.outputs.conftest import Notices

TRACK = PictureTrack(LiveCodec.H264, facts(), b"")


def packet(pts: int, *, key: bool = False, size: int = 1) -> EncodedPacket:
    return EncodedPacket(bytes(size), pts, pts, 1, key)


class Collector:
    """An outlet that keeps what it gets, when it is let."""

    wants_key = False

    def __init__(self, error: Exception | None = None) -> None:
        self.items: list[Item | str] = []
        self.let = threading.Event()
        self.busy = threading.Event()
        self._error = error

    def begin(self, track: PictureTrack) -> None:
        self._keep(track)

    open_sound = write_sound = begin

    def write(self, packet: EncodedPacket) -> None:
        self._keep(packet)

    def end(self) -> None:
        self.items.append("over")

    def close(self) -> None:
        self.items.append("closed")

    def abort(self) -> None:
        self.let.set()

    def _keep(self, item: Item) -> None:
        self.busy.set()
        self.let.wait()
        if self._error is not None:
            raise self._error
        self.items.append(item)


@pytest.fixture
def collector() -> Iterator[Collector]:
    one = Collector()
    yield one
    one.let.set()


def test_everything_comes_in_order_and_the_end_last(collector: Collector, notices: Notices) -> None:
    running = RunningOutlet(collector, "It", notices)
    items: list[Item] = [sound_opened(), TRACK, packet(0, key=True), sounds(0.1)[0], packet(1)]
    for item in items:
        running.offer(item)
    collector.let.set()
    running.close()
    assert collector.items == [*items, "closed"]
    assert (running.written, running.dropped, running.failed) == (2, 0, False)


def test_it_wants_a_key_frame_and_takes_nothing_before(collector: Collector, notices: Notices) -> None:
    running = RunningOutlet(collector, "It", notices)
    collector.let.set()
    assert running.wants_key
    for item in (packet(0), packet(1, key=True)):
        running.offer(item)
    assert not running.wants_key
    running.close()
    assert collector.items == [packet(1, key=True), "closed"]
    assert running.dropped == 0


@pytest.mark.parametrize("size", [1, 1 << 20])
def test_a_slow_one_loses_what_has_no_room_up_to_a_key_frame_and_nobody_waits(
    size: int, collector: Collector, notices: Notices
) -> None:
    running = RunningOutlet(collector, "It", notices)
    total = 2 * WAITING_PACKETS
    for pts in range(total):
        running.offer(packet(pts, key=pts == 0, size=size))
    lost = running.dropped
    assert lost >= total - WAITING_PACKETS - 1
    collector.let.set()
    while running.written < total - lost:
        threading.Event().wait(0.001)
    for pts in (total, total + 1):
        running.offer(packet(pts, key=pts == total + 1))
    running.close()
    pictures = [item.pts for item in collector.items if isinstance(item, EncodedPacket)]
    assert pictures == [*range(total - lost), total + 1]
    assert running.dropped == lost + 1


def test_sound_that_has_no_room_goes_without_harm(collector: Collector, notices: Notices) -> None:
    running, (sound, *_) = RunningOutlet(collector, "It", notices), sounds(0.1)
    running.offer(packet(0, key=True))
    for _ in range(2 * WAITING_PACKETS):
        running.offer(sound)
    collector.let.set()
    running.close()
    assert len(collector.items) <= WAITING_PACKETS + 2
    assert running.dropped == 0


@pytest.mark.parametrize(
    ("error", "kind", "detail"),
    [
        (OSError("disk of /secret is full"), "output-failed", "It has failed (OSError) and is given up."),
        (Rejected("unsupported-output", "Not jpeg."), "output-refused", "Not jpeg."),
        (Unavailable("The object store is away."), "output-failed", "The object store is away."),
    ],
)
def test_one_that_fails_says_so_once_and_takes_no_more(
    error: Exception, kind: str, detail: str, notices: Notices
) -> None:
    failing = Collector(error)
    running = RunningOutlet(failing, "It", notices)
    failing.let.set()
    running.offer(TRACK)
    running.close()
    running.offer(packet(0, key=True))
    assert notices == [(kind, detail)]
    assert running.failed
    assert not running.wants_key
    assert failing.items == ["closed"]


def test_one_that_cannot_even_be_closed_is_broken_off(notices: Notices) -> None:
    class Stubborn(Collector):
        def close(self) -> None:
            raise OSError("again")

    stubborn = Stubborn()
    running = RunningOutlet(stubborn, "It", notices)
    running.close()
    assert stubborn.let.is_set()
    assert notices.kinds == ["output-failed"]


def test_that_the_session_is_over_is_said_before_the_end(collector: Collector, notices: Notices) -> None:
    running = RunningOutlet(collector, "It", notices)
    running.close(over=True)
    assert collector.items == ["over", "closed"]


def test_one_that_hangs_is_given_up_when_it_should_end(collector: Collector, notices: Notices) -> None:
    running = RunningOutlet(collector, "It", notices)
    running.offer(TRACK)
    collector.busy.wait()
    running.close(0.01)
    assert collector.let.is_set()
    assert collector.items == [TRACK, "closed"]
