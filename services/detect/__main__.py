"""Start one detect worker."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import cv2

from services.detect.loading import load
from services.detect.service import DetectService
from services.detect.settings import DetectSettings
from shared.model.frames import FramesCaptured
from shared.model.sessions import WorkerReported
from shared.runtime import cards, lifecycle
from shared.runtime.presence import report
from shared.runtime.stage import Stage
from shared.runtime.telemetry import log
from shared.transport.topology import detect_queue

if TYPE_CHECKING:
    from services.detect.choosing import Finders


def finders(settings: DetectSettings) -> Finders:
    """Every model of the folder, opened and warm."""
    loaded = load(settings)
    for sentence in loaded.passed_over:
        log.warning(sentence)
    log.info("provider in use", provider=loaded.provider)
    loaded.finders.warm_up()
    return loaded.finders


async def run(settings: DetectSettings) -> None:
    """Find faces until cancelled."""
    cv2.setNumThreads(1)
    made = await asyncio.to_thread(finders, settings)
    offers, queue = made.offers, detect_queue(settings.lane)
    name = f"detect-{settings.worker}"
    readers = await asyncio.to_thread(cards.readers, settings, name, settings.detect_parallel)
    service = DetectService(made, readers, settings.detect_every)
    async with lifecycle.connected("detect", settings) as (bus, telemetry):
        stage = Stage(bus, telemetry, queue, FramesCaptured, service.detect)

        def say() -> WorkerReported:
            for reader in readers:
                reader.tend()
            why_not = next((one.why_no_card for one in readers if one.why_no_card), "")
            return WorkerReported(
                lane=settings.lane,
                service="detect",
                worker=settings.worker,
                room=1,
                busy_seconds=time.process_time(),
                on_card=not why_not,
                why_not_on_card=why_not,
                models=offers,
            )

        lifecycle.tell_ready(settings)
        try:
            await lifecycle.together(stage.run(queue.max_ack_pending), report(bus, say))
        finally:
            service.close()
            for reader in readers:
                reader.close()


if __name__ == "__main__":
    lifecycle.main("detect", DetectSettings, run)
