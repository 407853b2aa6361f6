"""The life of a service process: start, say that it is ready, end on a signal, never outlive its parent."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import os
import signal
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import uvloop

from shared.model.errors import Misconfigured
from shared.runtime.draining import Draining
from shared.runtime.logs import log, set_up_logging
from shared.runtime.settings import END_SECONDS, read_settings
from shared.runtime.telemetry import SPANS_SUBJECT, Telemetry
from shared.transport.nats_bus import NatsBus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
    from types import FrameType

    from shared.runtime.metrics import Metrics
    from shared.runtime.settings import ServiceSettings

EXIT_MISCONFIGURED = 78
"""sysexits.h: EX_CONFIG."""
EXIT_STUCK = 70
"""sysexits.h: EX_SOFTWARE."""
_PR_SET_PDEATHSIG = 1  # prctl(2)


def die_with_parent() -> None:
    """Have the kernel end this process (SIGTERM) when the thread that started it is gone."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def main(service: str, kind: type[ServiceSettings], run: Callable[[Any, Draining], Coroutine[Any, Any, None]]) -> None:
    """Run a service until SIGTERM or SIGINT, and then for the rest of its grace. A second signal ends the grace.

    Exits 78 with a sentence where it is misconfigured.
    """
    try:
        settings = read_settings(kind)
    except Misconfigured as error:
        sys.exit(_said(service, str(error)))
    if settings.die_with_parent:
        die_with_parent()
    set_up_logging(service, settings)
    status = 0
    try:
        uvloop.run(_until_signal(settings, run))
    except* Misconfigured as group:
        status = _said(service, "; ".join(_sentences(group)))
    if status:  # raised within `except*`, Python 3.11.2 makes a group of it
        sys.exit(status)


async def _until_signal(settings: ServiceSettings, run: Callable[[Any, Draining], Coroutine[Any, Any, None]]) -> None:
    draining = Draining()
    task = asyncio.ensure_future(run(settings, draining))
    loop = asyncio.get_running_loop()

    def cancel() -> None:
        task.cancel()
        loop.call_later(settings.end_seconds - END_SECONDS / 2, _cancel_all)
        loop.call_later(settings.end_seconds, give_up)

    def stop() -> None:
        if draining.is_wanted or not settings.grace_seconds:
            cancel()
        else:
            log.info("draining", seconds=settings.grace_seconds)
            loop.call_later(settings.grace_seconds, cancel)
        draining.begin()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        await task
    except asyncio.CancelledError:
        log.info("stopped")
    else:
        log.info("drained" if draining.is_wanted else "ended")


def _cancel_all() -> None:
    """Libraries swallow a cancellation now and then; a task group passes it on only once."""
    for task in asyncio.all_tasks():
        task.cancel()


def give_up() -> None:
    """End a process that does not come to an end by itself, and say what it was waiting for. Never returns."""
    for task in asyncio.all_tasks():
        frames = [f"{frame.f_code.co_qualname}:{frame.f_lineno}" for frame in _awaited(task.get_coro())]
        log.error("did not stop", task=task.get_name(), waits_in=frames)
    os._exit(EXIT_STUCK)


def _awaited(coroutine: Any) -> Iterator[FrameType]:
    """Where a coroutine stands, and what it waits for, down to where that is no coroutine."""
    while coroutine is not None:
        if (frame := getattr(coroutine, "cr_frame", None) or getattr(coroutine, "ag_frame", None)) is not None:
            yield frame
        coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "ag_await", None)


@asynccontextmanager
async def connected(
    service: str, settings: ServiceSettings, metrics: Metrics | None = None
) -> AsyncIterator[tuple[NatsBus, Telemetry]]:
    """The bus and the telemetry of a service, closed in order. metrics: what it measures already."""
    loop = asyncio.get_running_loop()
    bus = await NatsBus.connect(settings.nats, f"visavis-{service}-{settings.lane}-{settings.worker}")

    def send(spans: bytes) -> None:
        asyncio.run_coroutine_threadsafe(bus.send(SPANS_SUBJECT, spans), loop)

    async with AsyncExitStack() as stack:
        stack.push_async_callback(bus.close)
        telemetry = Telemetry(service, settings, send, metrics)
        stack.push_async_callback(asyncio.to_thread, telemetry.close)
        yield bus, telemetry


def tell_ready(settings: ServiceSettings, **facts: str) -> None:
    """Tell whoever started this process that it is ready, and where; what is empty is left out."""
    facts = {name: fact for name, fact in facts.items() if fact}
    gc.collect()
    gc.freeze()  # what is there now stays: no collection need look at it again
    log.info("ready", **facts)
    if settings.ready_fd >= 0:
        os.write(settings.ready_fd, json.dumps(facts).encode() + b"\n")
        os.close(settings.ready_fd)


async def together(*running: Awaitable[None], until: Awaitable[None] | None = None) -> None:
    """Run until one fails or all are cancelled. until: with the end of that the others end, too."""
    async with asyncio.TaskGroup() as tasks:
        others = [tasks.create_task(_as_coroutine(one)) for one in running]
        if until is not None:
            await until
            for task in others:
                task.cancel()


async def _as_coroutine(running: Awaitable[None]) -> None:
    await running


def _sentences(group: BaseExceptionGroup[Misconfigured]) -> Iterator[str]:
    """Of groups within groups too: every part of a service runs its own."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _sentences(error)
        else:
            yield str(error)


def _said(service: str, sentence: str) -> int:
    print(f"visavis {service}: {sentence}", file=sys.stderr)  # noqa: T201  -- the last word of the process
    return EXIT_MISCONFIGURED
