"""Start one detect worker."""

from __future__ import annotations

import asyncio
import time
from itertools import zip_longest
from typing import TYPE_CHECKING

import cv2

from services.detect.loading import load
from services.detect.measuring import recorder
from services.detect.service import DetectService, Sight
from services.detect.settings import DetectSettings
from shared.model.frames import FramesCaptured
from shared.model.sessions import WorkerReported
from shared.runtime import cards, lifecycle
from shared.runtime.draining import goes_on_without_us
from shared.runtime.logs import log
from shared.runtime.presence import report
from shared.runtime.probes import probed
from shared.runtime.stage import Stage
from shared.transport.topology import detect_queue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.detect.choosing import Finders
    from shared.cuda.device import Device
    from shared.runtime.draining import Draining
    from shared.runtime.probes import Probes
    from shared.transport.bus import Bus


def devices(settings: DetectSettings) -> list[Device]:
    """Of the lane's card one for each thread that looks at frames; none where there is no card."""
    open_device = cards.opener(settings)
    return [open_device() for _ in range(settings.detect_parallel)] if open_device is not None else []


def finders(settings: DetectSettings, there: Sequence[Device]) -> Finders:
    """Every model of the folder, opened and warm."""
    loaded = load(settings, there)
    for sentence in loaded.passed_over:
        log.warning(sentence)
    log.info("provider in use", provider=loaded.provider)
    is_slow = loaded.provider == "tensorrt"  # minutes the first time; with any other it is seconds
    loaded.finders.warm_up((lambda step: log.info(f"building engine for {step}")) if is_slow else None)
    return loaded.finders


async def run(settings: DetectSettings, draining: Draining) -> None:
    """Find faces until cancelled, or until told to end and nobody of the lane needs it."""
    cv2.setNumThreads(1)
    async with probed("detect", settings) as probes:
        await _run(settings, draining, probes)


async def _run(settings: DetectSettings, draining: Draining, probes: Probes) -> None:
    there = await asyncio.to_thread(devices, settings)
    made = await asyncio.to_thread(finders, settings, there)
    made.tell(recorder(probes.metrics))
    offers, queue = made.offers, detect_queue(settings.lane)
    name = f"detect-{settings.worker}"
    readers = await asyncio.to_thread(cards.readers, settings, name, settings.detect_parallel)
    sights = [Sight(reader, device) for reader, device in zip_longest(readers, there)]
    service = DetectService(made, sights, settings.detect_every)
    async with lifecycle.connected("detect", settings, probes.metrics) as (bus, telemetry):
        stage = Stage(bus, telemetry, queue, FramesCaptured, service.detect)

        def say() -> WorkerReported:
            for reader in readers:
                reader.tend()
            reason = next((one.why_no_card for one in readers if one.why_no_card), "")
            return WorkerReported(
                lane=settings.lane,
                service="detect",
                worker=settings.worker,
                room=0 if draining.is_wanted else 1,
                draining=draining.is_wanted,
                busy_seconds=time.process_time(),
                on_card=not reason,
                why_not_on_card=reason,
                models=offers,
            )

        probes.why_not_ready = str  # its models are warm; who waits, waits in the queue
        lifecycle.tell_ready(settings, metrics=probes.url)
        try:
            working, until = stage.run(queue.max_ack_pending), _unneeded(bus, settings.lane, draining)
            await lifecycle.together(working, report(bus, say), until=until)
        finally:
            service.close()
            for reader in readers:
                reader.close()


async def _unneeded(bus: Bus, lane: str, draining: Draining) -> None:
    """Until it was told to end, and the lane does without it: other detects do what it leaves."""
    await draining.wanted()
    await goes_on_without_us(bus, lane)


if __name__ == "__main__":
    lifecycle.main("detect", DetectSettings, run)
