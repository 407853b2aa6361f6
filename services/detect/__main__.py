"""Start one detect worker."""

from __future__ import annotations

import asyncio
import time

import cv2

from services.detect.choosing import Finders
from services.detect.engine import why_not
from services.detect.opening import open_models
from services.detect.providers import COMPILED, provision
from services.detect.service import DetectService
from services.detect.settings import DetectSettings
from shared.memory.reader import HostReader
from shared.memory.segment import segment_path
from shared.model.frames import FramesCaptured
from shared.model.offers import ModelChoice
from shared.model.sessions import WorkerReported
from shared.runtime import lifecycle
from shared.runtime.presence import report
from shared.runtime.stage import Stage
from shared.runtime.telemetry import log
from shared.transport.topology import detect_queue


def finders(settings: DetectSettings) -> Finders:
    """Every model of the folder, opened and warm."""
    folder, threads = settings.models.expanduser(), settings.detect_threads
    chosen = provision(settings.providers, why_not, threads=threads, cache=folder / COMPILED)
    for sentence in chosen.passed_over:
        log.warning(sentence)
    log.info("provider in use", provider=chosen.word)
    made = Finders(
        open_models(folder, threads=threads, providers=chosen.entries),
        ModelChoice(detector=settings.detector, landmarks=settings.landmarks),
        max_faces=settings.max_faces,
        batches=chosen.batches,
    )
    made.warm_up()
    return made


async def run(settings: DetectSettings) -> None:
    """Find faces until cancelled."""
    cv2.setNumThreads(1)
    made = await asyncio.to_thread(finders, settings)
    offers, queue = made.offers, detect_queue(settings.lane)
    name = f"detect-{settings.worker}"
    readers = [HostReader(segment_path(settings.lane), name) for _ in range(settings.detect_parallel)]
    service = DetectService(made, readers, settings.detect_every)
    async with lifecycle.connected("detect", settings) as (bus, telemetry):
        stage = Stage(bus, telemetry, queue, FramesCaptured, service.detect)

        def say() -> WorkerReported:
            return WorkerReported(
                lane=settings.lane,
                service="detect",
                worker=settings.worker,
                room=1,
                busy_seconds=time.process_time(),
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
