"""What tones take at 1080p on a card, beside one thread of the CPU; each frame has one face, 400 pixels wide.

The two take turns, round by round. Of the card there are three figures of a draw of so many frames: until it is done,
of many in a row, and what the host has to do with it; and what each kernel takes, of one frame and of the most.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from statistics import median
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from services.render.cuda.toning import CardToning
from services.render.layouts.frontal import frontal
from services.render.region import Scratch
from services.render.shape import FaceShape
from services.render.toning import Toning
from shared.cuda.card import Card
from shared.cuda.pictures import CardPicture
from shared.model.faces import Face, Layout
from shared.model.parts import Part
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat
from shared.model.presets import PRESETS
from tests.cuda.likeness import in_turn
from tests.gpu.figures import told

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from shared.cuda.device import Argument, Device, Dim3, Kernels

WIDTH, HEIGHT = 1920, 1080
FACE_PX = 400
BATCHES = (1, 4, 16)
ROUNDS, IN_A_ROW = 15, 10
BACKLOG = 4
"""Draws before one whose kernels are timed, so that none of these waits for the host."""
CPU = "CPU, one frame"
LOOKS = {"natural": PRESETS["natural"], "glamour": PRESETS["glamour"]}


def measure(device: Device | None = None) -> dict[str, Any]:
    """Milliseconds of a frame on the CPU and of so many on the card, and how many times as long the CPU takes."""
    cv2.setNumThreads(1)
    device = device or Card()
    frame, face = painted()
    there = [CardPicture.uploaded(device, in_turn(frame)) for _ in range(max(BATCHES))]
    figures: dict[str, Any] = {}
    for look_name, look in LOOKS.items():
        toning = CardToning(look)
        seconds = _in_turns(Toning(look), toning, (frame, face), there, device)
        if isinstance(device, Card):
            seconds |= _by_kernel(toning, there, face, device)
        found: dict[str, Any] = {
            f"{look_name}, {name}, ms": round(1000 * median(took), 4) for name, took in seconds.items()
        }
        for batch in BATCHES:
            for what in ("alone", "in a row"):
                ratio = batch * median(seconds[CPU]) / median(seconds[f"card, {batch}, {what}"])
                found[f"{look_name}, CPU to card, {batch}, {what}"] = round(ratio, 1)
        figures |= told(found)
    return figures


def _in_turns(
    by_cpu: Toning, by_card: CardToning, painting: tuple[Picture, Face], there: list[CardPicture], device: Device
) -> dict[str, list[float]]:
    (frame, face), scratch = painting, Scratch()
    target, seconds = Picture.blank(frame.geometry, frame.colour), defaultdict(list)
    for round_number in range(ROUNDS + 1):
        frame.copy_to(target)
        found = {CPU: _timed(lambda: by_cpu.draw(target, shape_of(face), scratch))}
        for batch in BATCHES:

            def draw() -> None:
                by_card.draw_all([(one, [shape_of(face)]) for one in there[:batch]], device)  # noqa: B023  -- called at once

            found |= {f"card, {batch}, {what}": took for what, took in _three(draw, device).items()}
        for name, took in found.items() if round_number else ():  # the first one compiles
            seconds[name].append(took)
    return seconds


def painted() -> tuple[Picture, Face]:
    """A frame with a face in its middle: skin with grain, dark eyes and brows, red lips, ground of soft colours."""
    noise = np.random.default_rng(1)
    points = frontal(Layout.MESH) * np.float32(FACE_PX) + np.array((WIDTH / 2, HEIGHT / 2, 0))
    face = Face.of(points.astype(np.float32), 1.0)
    rgb = cv2.resize(noise.integers(60, 200, (9, 16, 3), np.uint8), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    shape = shape_of(face)
    for part, colour in (
        (Part.OVAL, (205, 150, 125)),
        *((part, (60, 45, 40)) for part in (Part.RIGHT_EYE, Part.LEFT_EYE, Part.RIGHT_BROW, Part.LEFT_BROW)),
        (Part.LIPS, (170, 70, 80)),
    ):
        cv2.fillPoly(rgb, [np.rint(shape.part(part)).astype(np.int32)], colour)
    rgb = np.clip(rgb + noise.normal(0, 5, (HEIGHT, WIDTH, 1)), 0, 255).astype(np.uint8)
    geometry = Geometry(PixelFormat.I420, WIDTH, HEIGHT)
    return Picture.over(geometry, Colour(), cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420).reshape(-1)), face


def shape_of(face: Face) -> FaceShape:
    """New, as of every frame."""
    shape = FaceShape.of(face)
    assert shape is not None
    return shape


def _timed(draw: Callable[[], object]) -> float:
    started = time.perf_counter()
    draw()
    return time.perf_counter() - started


def _three(draw: Callable[[], None], device: Device) -> dict[str, float]:
    device.synchronize()
    alone = _timed(lambda: (draw(), device.synchronize()))
    started = time.perf_counter()
    for _ in range(IN_A_ROW):
        draw()
    told = time.perf_counter() - started
    device.synchronize()
    return {"alone": alone, "in a row": (time.perf_counter() - started) / IN_A_ROW, "host": told / IN_A_ROW}


class _Watched:
    """A card that notes when each of its kernels begins and ends."""

    def __init__(self, card: Card) -> None:
        self._card = card
        self.events: list[tuple[str, Any, Any]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._card, name)

    def kernels(self, source: Path, *include: Path) -> Kernels:
        found, watched = self._card.kernels(source, *include), self

        class Watching:
            def launch(self, name: str, grid: Dim3, block: Dim3, *arguments: Argument) -> None:
                import cupy  # noqa: PLC0415  -- only where there is a card

                begins, ends = cupy.cuda.Event(), cupy.cuda.Event()
                begins.record(watched.stream)
                found.launch(name, grid, block, *arguments)
                ends.record(watched.stream)
                watched.events.append((name, begins, ends))

        return Watching()


def _by_kernel(toning: CardToning, there: list[CardPicture], face: Face, card: Card) -> dict[str, list[float]]:
    """Seconds of each launch in turn: of the whole face, then of its features."""
    import cupy  # noqa: PLC0415  -- only where there is a card

    seconds = defaultdict(list)
    for batch in (1, max(BATCHES)):
        for _ in range(ROUNDS):
            watched = _Watched(card)
            for _ in range(BACKLOG):
                toning.draw_all([(one, [shape_of(face)]) for one in there], card)
            toning.draw_all([(one, [shape_of(face)]) for one in there[:batch]], watched)
            card.synchronize()
            for at, (name, begins, ends) in enumerate(watched.events):
                took = cupy.cuda.get_elapsed_time(begins, ends) / 1000
                seconds[f"kernels of {batch}, {at // 3 + 1}: {name}"].append(took)
    return seconds


if __name__ == "__main__":
    print(json.dumps(measure()))
