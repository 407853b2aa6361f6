"""A long job: cut into segments against the same file uncut, in turn, and shared by two lanes of one machine."""

from __future__ import annotations

import time
from fractions import Fraction
from statistics import median
from typing import TYPE_CHECKING, Any

import av

from tests.bench.throughput import through_services

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from visavis.client import Client

SECONDS, RATE, SIZE, KEY_EVERY = 60, 30, (1280, 720), 60
LOOK = "natural"
ROUNDS = 3


def write_long(clip: Path, target: Path) -> Path:
    """The clip forth and back for a minute: 720p, H.264 with B-frames, a key frame every two seconds."""
    with av.open(str(clip)) as file:
        frames = [frame.reformat(*SIZE, "yuv420p") for frame in file.decode(video=0)]
    with av.open(str(target), "w") as file:
        options = {"preset": "veryfast", "crf": "20", "g": str(KEY_EVERY), "bf": "2", "sc_threshold": "0"}
        video = file.add_stream("libx264", rate=RATE, options=options)
        video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
        for number in range(SECONDS * RATE):
            place = number % (2 * len(frames))
            frame = frames[min(place, 2 * len(frames) - 1 - place)]
            frame.pts, frame.time_base, frame.pict_type = number, Fraction(1, RATE), 0
            file.mux(video.encode(frame))
        file.mux(video.encode(None))
    return target


def measure(source: Path, ways: Mapping[str, Client]) -> dict[str, Any]:
    """Frames a second from upload to done, by the way in which it is done; medians of rounds in turn."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(ROUNDS + 1):
        for name, client in ways.items():
            started = time.perf_counter()
            frames = through_services(client, source, LOOK)
            if turn:  # the first round warms caches
                found[name].append(frames / (time.perf_counter() - started))
    medians = {name: median(values) for name, values in found.items()}
    return {"frames_per_second": found, "median": medians}
