"""How long looks take to draw, one thread: `natural` beside OpenCV alone, each effect alone, and what memory it takes.

All of it in turns of one run, on an enlarged portrait whose face is 300 pixels wide.
"""

from __future__ import annotations

import resource
import time
import tracemalloc
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np

from services.detect.finding import FaceFinder
from services.detect.models.registry import SELFIE_NAME
from services.detect.opening import open_models
from services.render.drawing import Painter
from services.render.moment import Moment
from shared.model.effects import Background, Grade, Sticker, Texture
from shared.model.looks import EFFECTS, Look
from shared.model.pictures import Picture
from shared.model.presets import PRESETS
from tests.bench import paintings
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
TIGER, GLASSES, WARM = "a" * 32, "b" * 32, "c" * 32
ASSETS = {TIGER: paintings.tiger(), GLASSES: paintings.glasses(), WARM: paintings.warm(33)}
BY_HAND = "bilateral_and_remap"
DIAMETER, SIGMA = 9, 40
"""Of the bilateral filter that stands for what people write who have no better."""


def measure(models: Path) -> dict[str, Any]:
    """Milliseconds a frame, ratios, and memory."""
    cv2.setNumThreads(1)
    rgb, face = enlarged(astronaut(), FaceFinder.load(models), FACE_PX)
    segmenter = open_models(models).segmenter(SELFIE_NAME)
    scenes = {}
    for size in (HD, FULL_HD):
        picture, there = in_frame(rgb, face, size)
        scenes[size] = Scene(picture, there, Moment(people=segmenter.segment(picture).alpha))
    hd = scenes[HD]
    ways: dict[str, Callable[[], float]] = {
        "natural": _drawing(hd, PRESETS["natural"]),
        "natural_1080p": _drawing(scenes[FULL_HD], PRESETS["natural"]),
        BY_HAND: _by_hand(hd.picture),
        **{f"preset {name}": _drawing(hd, look) for name, look in PRESETS.items() if not look.invisible},
        **{name: _drawing(hd, look) for name, look in alone().items()},
    }
    figures = _in_turn(ways)
    return {
        "face_px": FACE_PX,
        "milliseconds": figures,
        "ratios": {
            "bilateral_and_remap_to_natural": figures[BY_HAND] / figures["natural"],
            "natural_1080p_to_720p": figures["natural_1080p"] / figures["natural"],
        },
        "memory": _memory(hd),
    }


class Scene(NamedTuple):
    """A frame and what is known of it."""

    picture: Picture
    face: Face
    moment: Moment


def alone() -> dict[str, Look]:
    """Every effect by itself at half strength."""
    by_hand = {
        "texture": Look(texture=Texture(asset=TIGER)),
        "stickers": Look(stickers=(Sticker(asset=GLASSES, anchor="eyes"),)),
        "background": Look(background=Background(amount=0.5)),
        "grade": Look(grade=Grade(asset=WARM)),
    }
    names = [name for name in EFFECTS if name != "own"]
    return {name: by_hand.get(name) or Look.of(name, 0.5) for name in names}


def table(found: dict[str, Any]) -> str:
    """What docs/looks.md says of it."""
    took, ratios = found["milliseconds"], found["ratios"]
    presets = ", ".join(f"`{name}` {took[f'preset {name}']:.1f}" for name in PRESETS if f"preset {name}" in took)
    lines = [
        f"Milliseconds a frame, one thread, 1280x720, one face {found['face_px']} pixels wide, medians of one run of",
        f"`make bench ONLY=looks` ({found['when']}): {presets}.",
        f"`natural` takes {took['natural']:.1f} ms, {ratios['bilateral_and_remap_to_natural']:.1f} times less than"
        f" `cv2.bilateralFilter` (d={DIAMETER}) and `cv2.remap` of the whole",
        f"frame ({took[BY_HAND]:.0f} ms); at 1920x1080, with the face as large, {ratios['natural_1080p_to_720p']:.2f}"
        " times as long. Each effect alone at 0.5:",
        "",
        "| effect | ms | effect | ms | effect | ms | effect | ms |",
        "|---|---|---|---|---|---|---|---|",
    ]
    names = list(alone())
    rows = -(-len(names) // 4)
    for row in range(rows):
        cells = [f"`{name}` | {took[name]:.1f}" for name in names[row::rows]]
        lines.append(f"| {' | '.join(cells + ['|'] * (4 - len(cells)))} |")
    return "\n".join(lines)


def _drawing(scene: Scene, look: Look) -> Callable[[], float]:
    """Draws the look on the picture; putting the frame back is not counted."""
    painter, target = Painter(ASSETS), Picture.blank(scene.picture.geometry, scene.picture.colour)

    def draw() -> float:
        scene.picture.copy_to(target)
        started = time.perf_counter()
        painter.draw(target, [scene.face], look, scene.moment)
        return time.perf_counter() - started

    return draw


def _by_hand(picture: Picture) -> Callable[[], float]:
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


def _in_turn(ways: dict[str, Callable[[], float]]) -> dict[str, float]:
    """Median milliseconds of each way."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            way()
            seconds[name].extend(way() for _ in range(IN_A_ROW if name != BY_HAND else 1))
    return {name: round(median(found) * 1000, 3) for name, found in seconds.items()}


def _memory(scene: Scene) -> dict[str, float]:
    """Of a hundred frames once everything is warm: what stays, what Python's allocator had out at most, page faults."""
    draw = _drawing(scene, PRESETS["glamour"])
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
