"""Whole services for tests on a card: one whose lane lies on the card, and one whose lane lies on the host."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import av
import cv2
import httpx
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from visavis.client import Client
    from visavis.stack import Stack

CLEAR = {"VISAVIS_X264_CRF": "12"}
"""What the encoder takes away is to be less than what is compared."""


def frames_lie(stack: Stack) -> dict[str, Any]:
    """Where, and why not on the card, as the gateway tells it: asked until it is on a card, or half a minute long."""
    end = time.monotonic() + 30
    while True:
        told: dict[str, Any] = httpx.get(f"{stack.rest}/readyz", trust_env=False).json()["frames"][stack.lane]
        if told["on"] == "card" or time.monotonic() > end:
            return told
        time.sleep(0.2)


def written(stack: Stack, service: str, event: str) -> list[dict[str, Any]]:
    """Lines of a service's log."""
    lines = (stack.logs / f"{service}.log").read_text().splitlines()
    told = (json.loads(line) for line in lines if line.startswith("{"))
    return [line for line in told if line.get("message") == event]


def finished(client: Client, clip: Path, look: str, want: str = "picture") -> dict[str, Any]:
    """The job, when it is done."""
    job = client.submit_job(clip, look=look, want=want)
    for newer in client.events(job["id"]):
        job = newer
    assert job["state"] == "done", job
    return job


def frames_of(path: Path) -> Iterator[tuple[int, np.ndarray]]:
    """Each frame's pts in the file's own units, and its planes one below the other."""
    with av.open(str(path)) as file:
        for frame in file.decode(video=0):
            assert frame.pts is not None
            yield frame.pts, frame.to_ndarray(format="yuv420p")


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    """Decibels over all samples of two frames."""
    return float(10 * np.log10(255**2 / max(1e-9, float(np.mean((one.astype(float) - other) ** 2)))))


def write_clip(
    path: Path, portrait: bytes, count: int, size: tuple[int, int] = (1280, 720), tune: str = "film"
) -> None:
    """The portrait, moving a few pixels a frame: H.264, 30 frames a second; with B-frames, but for `zerolatency`."""
    pixels = cv2.cvtColor(cv2.imdecode(np.frombuffer(portrait, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    shown = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    with av.open(str(path), "w") as file:
        picture = file.add_stream(
            "libx264", rate=30, options={"crf": "16", "preset": "veryfast", "g": "30", "tune": tune}
        )
        picture.width, picture.height, picture.pix_fmt = *size, "yuv420p"
        for number in range(count):
            moved = np.roll(shown, (number // 6, 2 * number), (0, 1))
            file.mux(picture.encode(av.VideoFrame.from_ndarray(moved, format="rgb24")))
        file.mux(picture.encode(None))
