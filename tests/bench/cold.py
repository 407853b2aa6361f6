"""A cold start of the function, from the start of its process to the first part in the store, step by step."""

from __future__ import annotations

import asyncio
import json
import time
from statistics import median
from typing import TYPE_CHECKING, Any

import av
import httpx
import msgspec

from shared.model.jobs import SegmentRequested, Want, source_key
from shared.model.look_text import parse_look
from shared.transport.store import ObjectStore
from tests.functions import HTTP, LAMBDA, function
from tests.runtime_interface import runtime_interface

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROUNDS = 7
FRAMES = 30
"""Of the first segment: one second of the clip."""
OF_MODELS = ("models loaded", "models warmed")
FIRST = "first result"


def measure(clip: Path, folder: Path, models: Path) -> dict[str, Any]:
    """Medians in milliseconds, of the function on Lambda's interface and over HTTP, in turn."""
    store = (folder / "objects").as_uri()
    cut(clip, folder / "segment.mp4")
    asyncio.run(ObjectStore.open(store).put(source_key("cold"), folder / "segment.mp4"))
    asked = SegmentRequested(job="cold", want=Want.PICTURE, look=parse_look("default"))
    event = json.loads(msgspec.json.encode(asked))
    variables = {"VISAVIS_STORE_URL": store, "VISAVIS_MODELS": str(models)}
    ways: dict[str, Callable[[], dict[str, float]]] = {
        "lambda": lambda: _on_lambda(event, variables),
        "http": lambda: _over_http(event, variables),
    }
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            rounds[name].append(way())
    return {name: _medians(found) for name, found in rounds.items()} | {"frames": FRAMES}


def cut(source: Path, target: Path) -> None:
    """The first FRAMES frames of a video, encoded anew."""
    with av.open(str(source)) as read, av.open(str(target), "w") as written:
        film = read.streams.video[0]
        coded = written.add_stream("libx264", rate=film.average_rate, options={"preset": "veryfast", "crf": "18"})
        coded.width, coded.height, coded.pix_fmt = film.width, film.height, "yuv420p"
        for _, frame in zip(range(FRAMES), read.decode(film), strict=False):
            frame.pict_type = 0
            written.mux(coded.encode(frame))
        written.mux(coded.encode(None))


def _on_lambda(event: dict[str, Any], variables: dict[str, str]) -> dict[str, float]:
    with runtime_interface() as interface:
        interface.send("cold", event)
        started = time.perf_counter()
        with function(LAMBDA, variables | {"AWS_LAMBDA_RUNTIME_API": interface.address}) as running:
            told = interface.hear()
            if told.word != "response" or told.body["type"] != "SegmentDone":
                raise RuntimeError(str(told))
            running.wait_for("step", FIRST)
            return _told(running.steps, told.arrived - started)


def _over_http(event: dict[str, Any], variables: dict[str, str]) -> dict[str, float]:
    started = time.perf_counter()
    with function(HTTP, variables | {"PORT": "0", "VISAVIS_HOST": "127.0.0.1"}) as running:
        port = running.wait_for("event", "listening")["port"]
        answer = httpx.post(f"http://127.0.0.1:{port}/", json=event, timeout=60.0, trust_env=False)
        done = time.perf_counter() - started
        if answer.status_code != 200:
            raise RuntimeError(answer.text)
        running.wait_for("step", FIRST)
        return _told(running.steps, done)


def _told(steps: list[dict[str, Any]], seconds: float) -> dict[str, float]:
    """Milliseconds of each step, and the sums that matter."""
    by_step = {said["step"].partition(",")[0]: float(said["ms"]) for said in steps}
    of_models = sum(by_step[step] for step in OF_MODELS)
    before = sum(took for step, took in by_step.items() if step != FIRST)
    return by_step | {
        "models": of_models,
        "all else until ready": before - of_models,
        "asked to answered": seconds * 1000,
    }


def _medians(rounds: list[dict[str, float]]) -> dict[str, float]:
    return {step: median(one[step] for one in rounds) for step in rounds[0]}
