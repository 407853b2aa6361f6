"""Frames a second: a bare transcode, our stages in one process, and the services, in turn."""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING, Any

import av

from tests.bench.composition import retouch_video

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from services.detect.finding import FaceFinder
    from shared.model.looks import Look
    from visavis.client import Client

ROUNDS = 5


def measure(
    clip: Path, folder: Path, look: Look, look_json: str, finder: FaceFinder, clients: dict[str, Client]
) -> dict[str, Any]:
    """Medians and ratios over interleaved rounds. `clients`: services by a word for how they are set up."""
    ways: dict[str, Callable[[], int]] = {
        "transcode": lambda: transcode(clip, folder / "bare.mp4"),
        "one_process": lambda: retouch_video(clip, folder / "one.mp4", look, finder),
    }
    for name, client in clients.items():
        ways[name] = lambda client=client: through_services(client, clip, look_json)
    figures: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(ROUNDS + 1):
        for name, way in ways.items():
            started = time.perf_counter()
            frames = way()
            if turn:  # the first round warms caches
                figures[name].append(frames / (time.perf_counter() - started))
    medians = {name: median(found) for name, found in figures.items()}
    return {"frames_per_second": figures, "median": medians}


def transcode(source: Path, target: Path) -> int:
    """Decode and encode with the settings of render; the number of frames."""
    count = 0
    with av.open(str(source)) as read, av.open(str(target), "w") as written:
        video = read.streams.video[0]
        video.codec_context.thread_count, video.thread_type = 2, "AUTO"
        encoded = written.add_stream("libx264", rate=video.average_rate, options={"preset": "veryfast", "crf": "23"})
        encoded.width, encoded.height, encoded.pix_fmt = video.width, video.height, "yuv420p"
        for frame in read.decode(video):
            frame.pict_type = 0
            written.mux(encoded.encode(frame))
            count += 1
        written.mux(encoded.encode(None))
    return count


def through_services(client: Client, clip: Path, look_json: str) -> int:
    """One job from upload to the last event; the number of frames."""
    job = client.submit_job(clip, look=look_json, want="picture")
    for document in client.events(job["id"]):
        job = document
    if job["state"] != "done":
        raise RuntimeError(f"the job {job['state']}: {job['problem']}")
    return int(job["frames"])
