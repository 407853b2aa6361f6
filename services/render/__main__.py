"""Start one render worker."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import cv2

from services.render.cuda.painter import warm
from services.render.nvenc import probe as nvenc_probe
from services.render.nvenc.encoders import CardEncoders
from services.render.nvenc.probe import Encoders
from services.render.own.loading import load
from services.render.precedence import share_quickly
from services.render.reading import LaneFrames
from services.render.rescuing import cleared
from services.render.service import RenderService
from services.render.settings import RenderSettings
from shared.model.errors import Misconfigured, Unavailable
from shared.model.frames import ForRender
from shared.model.live import look_subject
from shared.model.sessions import WorkerReported, begin_subject, end_subject
from shared.runtime import cards, lifecycle
from shared.runtime.draining import goes_on_without_us
from shared.runtime.logs import log
from shared.runtime.pasts import kept_where
from shared.runtime.presence import report
from shared.runtime.probes import probed
from shared.runtime.stage import Stage
from shared.transport.store import ObjectStore
from shared.transport.topology import render_queue

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.cuda.device import Device
    from shared.memory.lane_reader import LaneReader
    from shared.runtime.draining import Draining
    from shared.runtime.probes import Probes
    from shared.transport.bus import Bus

LOOK_AGAIN_SECONDS = 0.05


async def run(settings: RenderSettings, draining: Draining) -> None:
    """Own sessions until cancelled, or until told to end and none is left."""
    async with probed("render", settings) as probes:
        await _run(settings, draining, probes)


async def _run(settings: RenderSettings, draining: Draining, probes: Probes) -> None:
    effects = load(settings.effects)
    recordings = await asyncio.to_thread(cleared, settings.render_work)
    cv2.setNumThreads(1)
    share_quickly()
    [reader] = await asyncio.to_thread(cards.readers, settings, f"render-{settings.worker}", 1)
    connecting = lifecycle.connected("render", settings, probes.metrics)
    async with connecting as (bus, telemetry), AsyncExitStack() as stack:
        await _pool(reader)
        stack.callback(reader.close)
        open_device, why_no_device, encoders = await _card(settings)
        frames = LaneFrames(reader, open_device, CardEncoders.of(encoders.codecs, open_device, settings.nvenc))
        store, pasts = ObjectStore.open(settings.store), await stack.enter_async_context(kept_where(settings, bus))
        service = RenderService(settings, bus, store, pasts, frames, telemetry, effects)
        stack.push_async_callback(service.close)
        group = f"render-{settings.lane}"
        door = await stack.enter_async_context(AsyncExitStack())
        await door.enter_async_context(bus.answer(begin_subject(settings.lane), group, service.begin))
        end = end_subject(settings.lane, settings.worker)
        await stack.enter_async_context(bus.answer(end, f"{group}-{settings.worker}", service.end))
        looks = look_subject(settings.lane, settings.worker)
        await stack.enter_async_context(bus.answer(looks, f"{group}-{settings.worker}", service.prepare_look))
        queue = render_queue(settings.lane, settings.worker)
        stage = Stage(bus, telemetry, queue, ForRender, service.draw)

        def say() -> WorkerReported:
            reader.tend()
            service.look()
            reason = why_no_device or reader.why_no_card
            return WorkerReported(
                lane=settings.lane,
                service="render",
                worker=settings.worker,
                room=max(0, service.room),
                draining=draining.is_wanted,
                busy_seconds=time.process_time(),
                on_card=not reason,
                why_not_on_card=reason,
                effects=effects.offers,
                nvenc=tuple(sorted(encoders.codecs)),
                why_not_nvenc=encoders.why_not,
            )

        probes.why_not_ready = lambda: "" if service.room > 0 else "It owns as many sessions as it may."
        lifecycle.tell_ready(settings, metrics=probes.url)
        running = stage.run(queue.max_ack_pending)  # the service says who draws
        until = _unneeded(bus, settings, draining, door, service)
        rescuing = service.room_for_outputs.rescue(recordings)
        await lifecycle.together(running, service.sweep(), service.hear(bus), report(bus, say), rescuing, until=until)


async def _unneeded(
    bus: Bus, settings: RenderSettings, draining: Draining, door: AsyncExitStack, service: RenderService
) -> None:
    """Until it was told to end, and its lane is gone; or, where the lane goes on, its own sessions are over.

    door: by which sessions come in.
    """
    await draining.wanted()
    if await goes_on_without_us(bus, settings.lane):
        await door.aclose()
        while service.room < settings.render_sessions:  # noqa: ASYNC110  -- nothing announces the end of the last one
            await asyncio.sleep(LOOK_AGAIN_SECONDS)


def _device(open_device: Callable[[], Device] | None) -> tuple[Callable[[], Device] | None, str]:
    """What makes a session's own device, its kernels compiled before a frame waits for them; or why there is none.

    open_device: makes one; None where this process has no card.
    """
    if open_device is None:
        return None, ""
    try:
        device = open_device()
        warm(device)
    except Misconfigured as error:
        log.warning("nothing is drawn on the card", reason=str(error))
        return None, str(error)
    return open_device, ""


async def _card(settings: RenderSettings) -> tuple[Callable[[], Device] | None, str, Encoders]:
    """What `_device` says, and those of the card's encoders that are to be used; the log says which, why not others.

    They are tried while kernels are compiled. Raises Misconfigured.
    """
    opener = await asyncio.to_thread(cards.opener, settings)
    trying = asyncio.to_thread(nvenc_probe.wanted, settings.nvenc, None if opener is None else settings.card_number)
    (open_device, why_not), found = await asyncio.gather(asyncio.to_thread(_device, opener), trying)
    if open_device is None:
        return None, why_not, nvenc_probe.wanted(settings.nvenc, None)
    codecs = ", ".join(sorted(found.codecs)) or "nothing"
    log.info("what lies on the card is encoded", by_nvenc=codecs, reason=found.why_not)
    return open_device, why_not, found


async def _pool(reader: LaneReader) -> None:
    """Wait for the lane's ingest to make the pool."""
    while True:
        try:
            reader.open()
        except Unavailable:
            await asyncio.sleep(0.05)
        else:
            return


if __name__ == "__main__":
    lifecycle.main("render", RenderSettings, run)
