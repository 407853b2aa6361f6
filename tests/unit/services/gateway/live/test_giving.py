"""What goes to the client of a live stream."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from services.gateway.live.account import LiveAccount
from services.gateway.live.giving import MOST_WORDS, Giver
from services.gateway.live.messages import notice_message
from services.gateway.live.notices import DropTally
from services.gateway.live.queue import Drawn
from shared.model.live import LiveFrame, LiveInput, LiveSettings
from shared.model.looks import Look
from tests.scrapes import value

if TYPE_CHECKING:
    from services.gateway.parts import Parts
from visavis.v1 import streams_pb2

SETTINGS = LiveSettings(input=LiveInput(codec="h264", width=64, height=48), look=Look())  # type: ignore[arg-type]


class Reader:
    def __init__(self) -> None:
        self.heard: list[str] = []
        self.takes = asyncio.Event()
        self.takes.set()

    async def __call__(self, message: streams_pb2.ServerMessage) -> None:
        await self.takes.wait()
        self.heard.append(str(message.WhichOneof("message")))


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def account() -> LiveAccount:
    return LiveAccount()


@pytest.fixture
def giver(reader: Reader, account: LiveAccount, parts: Parts) -> Giver:
    return Giver(reader, SETTINGS, account, DropTally(), parts.telemetry, parts.live.measures)


def draw(giver: Giver, account: LiveAccount, arrived_ns: int = 0) -> None:
    number = account.receive()
    account.take(number)
    frame = LiveFrame(number=number, pts=0, dts=0, key=True, look=0, body=b"x", arrived_ns=arrived_ns)
    giver.put(Drawn(frame, 0, asyncio.get_running_loop().time()))


async def test_words_go_before_frames_and_the_account_last(giver: Giver, reader: Reader, account: LiveAccount) -> None:
    draw(giver, account)
    giver.tell(notice_message("degraded", "So it is."))
    giver.end()
    await giver.run()
    assert reader.heard == ["notice", "frame", "account"]
    assert account.delivered == 1


async def test_what_it_delivers_is_measured_by_its_age_and_its_budget(
    giver: Giver, account: LiveAccount, parts: Parts
) -> None:
    draw(giver, account, arrived_ns=time.time_ns() - 3 * SETTINGS.max_delay_ms * 10**6)
    giver.end()
    await giver.run()
    metrics = parts.telemetry.metrics
    assert value(metrics, "visavis_delivery_budget_ratio_sum") >= 3
    assert value(metrics, "visavis_delivery_delay_seconds_sum") >= 3 * SETTINGS.max_delay_ms / 1000
    assert value(metrics, "visavis_hop_waited_seconds_count", hop="gateway") == 1


async def test_a_frame_is_delivered_when_the_client_has_it(giver: Giver, reader: Reader, account: LiveAccount) -> None:
    reader.takes.clear()
    draw(giver, account)
    running = asyncio.create_task(giver.run())
    await asyncio.sleep(0)
    assert giver.sending_since is not None
    assert account.delivered == 0
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await giver.last_word()
    assert (account.delivered, account.dropped.total(), reader.heard) == (0, 1, [])


async def test_who_does_not_take_words_calls_forth_no_more(giver: Giver, reader: Reader) -> None:
    for _ in range(MOST_WORDS):
        assert giver.has_room
        giver.tell(notice_message("degraded", "So it is."))
    assert not giver.has_room
    running = asyncio.create_task(giver.run())
    await giver.until_room()
    giver.end()
    await running


async def test_a_stream_that_breaks_off_has_its_account_too(giver: Giver, reader: Reader, account: LiveAccount) -> None:
    account.receive()
    await giver.last_word()
    assert reader.heard == ["account"]
    assert account.dropped.total() == 1
