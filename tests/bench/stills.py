"""A warm picture over REST against the same work in one process, in turn."""

from __future__ import annotations

import http.client
import time
from statistics import median
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from shared.model.look_text import parse_look
from tests.bench.composition import retouch_still

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.detect.finding import FaceFinder

TIMES, WARM_UPS = 60, 5
PAUSE_SECONDS = 0.12
"""Long enough for what the service does between two pictures, so that one is measured and not two."""


def measure(jpeg: bytes, look_json: str, finder: FaceFinder, rest: str) -> dict[str, Any]:
    """p50 in milliseconds of each way and their ratio."""
    look = parse_look(look_json)
    connection = http.client.HTTPConnection(urlsplit(rest).netloc)
    ways: dict[str, Callable[[], object]] = {
        "one_process": lambda: retouch_still(jpeg, look, finder),
        "rest": lambda: post(connection, jpeg, look_json),
    }
    figures: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(TIMES + WARM_UPS):
        for name, way in ways.items():
            time.sleep(PAUSE_SECONDS)
            started = time.perf_counter()
            way()
            if turn >= WARM_UPS:
                figures[name].append((time.perf_counter() - started) * 1000)
    connection.close()
    medians = {name: median(times) for name, times in figures.items()}
    return {"p50_ms": medians, "ratio": medians["rest"] / medians["one_process"]}


def post(connection: http.client.HTTPConnection, jpeg: bytes, look_json: str) -> bytes:
    """The answer, through the plainest client there is: its own time is not the service's."""
    headers = {"Content-Type": "image/jpeg"}
    connection.request("POST", f"/v1/images?look={quote(look_json)}", jpeg, headers)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise RuntimeError(body.decode(errors="replace"))
    return body
