"""Who gives up in the middle of a call to the bus harms nobody else."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.transport.bus import Bus, Received

PATIENCE_SECONDS = 30
TICKS = range(6)
"""So many turns of the loop are waited before giving up: each finds the call in another place."""


async def echo(received: Received) -> bytes:
    return received.body


async def given_up(call: Callable[[], Awaitable[None]]) -> None:
    """Begin a call again and again and cancel it, each time a little later."""
    for ticks in TICKS:
        task = asyncio.ensure_future(call())
        for _ in range(ticks):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("what", ["listen", "request", "publish", "send"])
async def test_the_bus_goes_on_when_a_call_is_given_up(bus: Bus, what: str) -> None:
    async def listen() -> None:
        async with bus.listen("live.a.out"):
            await asyncio.sleep(10)

    async def request() -> None:
        await bus.request("echo", b"never heard")

    async def publish() -> None:
        await bus.publish("jobs.segment.a.0", b"x")

    async def send() -> None:
        await bus.send("echo", b"x")

    async with bus.answer("echo", "group", echo):
        await given_up({"listen": listen, "request": request, "publish": publish, "send": send}[what])
        assert await bus.request("echo", b"still there") == b"still there"
        async with asyncio.timeout(PATIENCE_SECONDS):
            await bus.publish("jobs.event.a.job", b"kept")
            assert await bus.last("jobs.event.a.job") == b"kept"


async def test_whoever_sends_much_can_be_cancelled_at_any_moment(bus: Bus) -> None:
    async def pour() -> None:
        for _ in range(6):
            await bus.send("live.a.in", bytes(900_000))
        await asyncio.sleep(0)

    for ticks in range(12):
        task = asyncio.ensure_future(pour())
        for _ in range(ticks):
            await asyncio.sleep(0)
        if task.cancel():
            await asyncio.wait({task})
            assert task.cancelled(), f"given up after {ticks} turns it went on to its end"
