"""What the tones of the look `natural` take at 1080p on a card, beside one thread of the CPU; faces are 400 pixels wide.

The two take turns, round by round. Of the card there are three figures of a draw of so many frames: until it is done, of
many in a row, and what the host has to do with it; and, of one frame and of the most, what each kernel takes by itself.
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
from tests.cuda.nv12 import nv12_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from shared.cuda.device import Argument, Device, Dim3, Kernels

WIDTH, HEIGHT = 1920, 1080
FACE_PX = 400
BATCHES = (1, 4, 16)
ROUNDS, IN_A_ROW = 15, 10
LOOKS = {"natural": PRESETS["natural"], "glamour": PRESETS["glamour"]}


def measure(device: Device | None = None) -> dict[str, Any]:
    """Milliseconds of a frame on the CPU and of a draw on the card, by how many frames are drawn together, and ratios."""
    cv2.setNumThreads(1)
    device = device or Card()
    frame, face = painted()
    seconds: dict[str, list[float]] = defaultdict(list)
    for look_name, look in LOOKS.items():
        by_cpu, by_card, scratch = Toning(look), CardToning(look), Scratch()
        target = Picture.blank(frame.geometry, frame.colour)
        there = [CardPicture.uploaded(device, nv12_of(frame)) for _ in range(max(BATCHES))]
        for round_number in range(ROUNDS + 1):
            frame.copy_to(target)
            found = {"CPU, one frame": _timed(lambda: by_cpu.draw(target, shape_of(face), scratch))}  # noqa: B023  -- called at once
            for batch in BATCHES:

                def draw() -> None:
                    by_card.draw_all([(one, [shape_of(face)]) for one in there[:batch]], device)  # noqa: B023  -- as above

                found |= {f"card, {batch}, {what}": took for what, took in _three(draw, device).items()}
            if round_number:  # the first one compiles
                for name, took in found.items():
                    seconds[f"{look_name}, {name}"].append(took)
        kernels = _by_kernel(by_card, there, face, device) if isinstance(device, Card) else {}
        for name, took in kernels.items():
            seconds[f"{look_name}, {name}"].append(took)
    figures: dict[str, Any] = {f"{name}, ms": round(1000 * median(took), 4) for name, took in seconds.items()}
    for look_name in LOOKS:
        cpu = figures[f"{look_name}, CPU, one frame, ms"]
        for batch in BATCHES:
            for what in ("alone", "in a row"):
                ratio = cpu * batch / figures[f"{look_name}, card, {batch}, {what}, ms"]
                figures[f"{look_name}, CPU to card, {batch}, {what}"] = round(ratio, 1)
    return figures


def painted() -> tuple[Picture, Face]:
    """A frame with a painted face in its middle: skin with grain, dark eyes and brows, red lips, ground of soft colours."""
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
        self._card, self.events = card, []  # type: list[tuple[str, Any, Any]]

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


def _by_kernel(toning: CardToning, there: list[CardPicture], face: Face, card: Card) -> dict[str, float]:
    """Seconds of each launch in turn: of the whole face, then of its features."""
    import cupy  # noqa: PLC0415  -- only where there is a card

    figures = {}
    for batch in (1, max(BATCHES)):
        took: dict[str, list[float]] = defaultdict(list)
        for _ in range(ROUNDS):
            watched = _Watched(card)
            toning.draw_all([(one, [shape_of(face)]) for one in there[:batch]], watched)
            card.synchronize()
            for at, (name, begins, ends) in enumerate(watched.events):
                took[f"kernels of {batch}, {at // 3 + 1}: {name}"].append(
                    cupy.cuda.get_elapsed_time(begins, ends) / 1000
                )
        figures |= {name: median(found) for name, found in took.items()}
    return figures


if __name__ == "__main__":
    print(json.dumps(measure()))
