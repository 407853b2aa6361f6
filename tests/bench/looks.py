"""How long looks take to draw, one thread: `natural` beside OpenCV alone, each effect alone, and what memory it takes.

All of it in turns of one run, on an enlarged portrait whose face is 300 pixels wide.
"""

from __future__ import annotations

import resource
import time
import tracemalloc
from statistics import median
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from services.detect.finding import FaceFinder
from services.render.drawing import Painter
from shared.model.looks import Look
from shared.model.pictures import Picture
from shared.model.presets import PRESETS
from tests.bench.portrait import astronaut, enlarged, in_frame

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from shared.model.faces import Face

FACE_PX = 300
HD, FULL_HD = (1280, 720), (1920, 1080)
ROUNDS, IN_A_ROW, SETTLING = 20, 4, 5
"""A session draws one look frame after frame: each way draws a few before it is the next one's turn, and the first of
them, which finds the caches full of the others' memory, does not count."""
BY_HAND = "bilateral_and_remap"
DIAMETER, SIGMA = 9, 40
"""Of the bilateral filter that stands for what people write who have no better."""


def measure(models: Path) -> dict[str, Any]:
    """Milliseconds a frame, ratios, and memory."""
    cv2.setNumThreads(1)
    rgb, face = enlarged(astronaut(), FaceFinder.load(models), FACE_PX)
    scenes = {size: in_frame(rgb, face, size) for size in (HD, FULL_HD)}
    ways: dict[str, Callable[[], object]] = {
        "natural": _drawing(*scenes[HD], PRESETS["natural"]),
        "natural_1080p": _drawing(*scenes[FULL_HD], PRESETS["natural"]),
        BY_HAND: _by_hand(scenes[HD][0]),
        **{f"preset {name}": _drawing(*scenes[HD], look) for name, look in PRESETS.items() if not look.invisible},
        **{name: _drawing(*scenes[HD], Look.of(name, 0.5)) for name in _alone()},
    }
    figures = _in_turn(ways)
    return {
        "face_px": FACE_PX,
        "milliseconds": figures,
        "ratios": {
            "bilateral_and_remap_to_natural": figures[BY_HAND] / figures["natural"],
            "natural_1080p_to_720p": figures["natural_1080p"] / figures["natural"],
        },
        "memory": _memory(*scenes[HD]),
    }


def _alone() -> list[str]:
    """Effects of faces that need no picture of the user's, and effects of the frame that need no mask of people."""
    without = {"own", "texture", "stickers", "background", "grade"}
    return [name for name in Look.__struct_fields__ if name not in without | {"faces"}]


def _drawing(picture: Picture, face: Face, look: Look) -> Callable[[], object]:
    """Draws the look on the picture; putting the frame back is not counted."""
    painter, target = Painter(), Picture.blank(picture.geometry, picture.colour)

    def draw() -> float:
        picture.copy_to(target)
        started = time.perf_counter()
        painter.draw(target, [face], look)
        return time.perf_counter() - started

    return draw


def _by_hand(picture: Picture) -> Callable[[], object]:
    """cv2.bilateralFilter and cv2.remap of the whole frame, RGB as both want it."""
    flat = np.concatenate([plane.ravel() for plane in picture.planes])
    width, height = picture.geometry.width, picture.geometry.height
    rgb = cv2.cvtColor(flat.reshape(-1, width), cv2.COLOR_YUV2RGB_I420)
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))

    def draw() -> float:
        started = time.perf_counter()
        smooth = cv2.bilateralFilter(rgb, DIAMETER, SIGMA, SIGMA)
        cv2.remap(smooth, columns + np.float32(0.5), rows, cv2.INTER_LINEAR)
        return time.perf_counter() - started

    return draw


def _in_turn(ways: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Median milliseconds of each way."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            way()
            seconds[name].extend(way() for _ in range(IN_A_ROW if name != BY_HAND else 1))
    return {name: round(median(found) * 1000, 3) for name, found in seconds.items()}


def _memory(picture: Picture, face: Face) -> dict[str, float]:
    """Of a hundred frames once everything is warm: what stays, what Python's allocator had out at most, page faults."""
    draw = _drawing(picture, face, PRESETS["glamour"])
    for _ in range(SETTLING):
        draw()
    tracemalloc.start()
    draw()
    before, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    for _ in range(10):
        draw()
    after, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(100):
        draw()
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults
    return {"kept_bytes": after - before, "temporary_bytes": peak - before, "page_faults_per_frame": faults / 100}
