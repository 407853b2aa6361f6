"""Start one detect worker."""

from __future__ import annotations

import asyncio

import cv2

from services.detect.finding import FaceFinder
from services.detect.service import DetectService
from services.detect.settings import DetectSettings
from shared.memory.reader import HostReader
from shared.memory.segment import segment_path
from shared.model.frames import FramesCaptured
from shared.model.sessions import WorkerReported
from shared.runtime import lifecycle
from shared.runtime.presence import report
from shared.runtime.stage import Stage
from shared.transport.topology import detect_queue


async def run(settings: DetectSettings) -> None:
    """Find faces until cancelled."""
    cv2.setNumThreads(1)
    finder = await asyncio.to_thread(
        FaceFinder.load, settings.models.expanduser(), max_faces=settings.max_faces, threads=settings.detect_threads
    )
    reader = HostReader(segment_path(settings.lane), f"detect-{settings.worker}")
    service = DetectService(finder, reader, settings.detect_every)
    async with lifecycle.connected("detect", settings) as (bus, telemetry):
        stage = Stage(bus, telemetry, detect_queue(settings.lane), FramesCaptured, service.detect)

        def say() -> WorkerReported:
            return WorkerReported(lane=settings.lane, service="detect", worker=settings.worker, room=1)

        lifecycle.tell_ready(settings)
        try:
            await lifecycle.together(stage.run(), report(bus, say))
        finally:
            reader.close()


if __name__ == "__main__":
    lifecycle.main("detect", DetectSettings, run)
