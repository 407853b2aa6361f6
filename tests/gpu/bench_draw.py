"""What the whole look `natural` takes at 1080p: by one thread of the CPU, and on a card by 1, 4 and 8 processes.

    python -m tests.gpu.bench_draw

A frame has one face of 400 pixels. Processes share the card in turns, and by NVIDIA's Multi-Process Service.
The CPU draws before and after each of them, while they wait.
"""

from __future__ import annotations

import json
import time
from contextlib import contextmanager, nullcontext
from statistics import median
from typing import TYPE_CHECKING, Any

import cv2

from services.render.cuda.painter import CardPainter, warm
from services.render.drawing import Painter
from shared.cuda.card import Card
from shared.model.pictures import Picture
from shared.model.presets import PRESETS
from tests.cuda.likeness import uploaded
from tests.gpu.bench_bend import FACE_PX, HEIGHT, WIDTH, _face, _painted
from tests.gpu.figures import told
from tests.gpu.sharing import sharing
from tests.gpu.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shared.cuda.device import Device

LOOK = PRESETS["natural"]
COUNTS = (1, 4, 8)
TURNS, SECONDS, IN_A_ROW = 3, 1.0, 16
CPU_FRAMES = 30
READY_SECONDS, DRAW_SECONDS = 120.0, 60.0
"""So long painters may take until they are ready, and to draw for SECONDS."""


def measure(make: Callable[[], Device] = Card) -> dict[str, Any]:
    """Frames a second, and how many times those of the CPU's one thread."""
    figures: dict[str, Any] = {}
    for how, context in (("in turns", nullcontext(True)), ("MPS", sharing())):
        with context as is_there, painters(make, max(COUNTS) if is_there else 0) as draw:
            for count in COUNTS if is_there else ():
                figures |= _beside(how, count, draw)
    return figures


@contextmanager
def painters(make: Callable[[], Device], most: int) -> Iterator[Callable[[int], float]]:
    """Processes that draw: so many of them, when they are told to; the answer is frames a second of all."""
    names = [f"painter-{at}" for at in range(most)]
    with Workers(names, _paint, make) as workers:
        workers.start(names)
        workers.heard(names, READY_SECONDS)

        def draw(count: int) -> float:
            workers.tell(names[:count], "draw")
            return float(sum(workers.heard(names[:count], DRAW_SECONDS).values()))

        yield draw


def _beside(how: str, count: int, draw: Callable[[int], float]) -> dict[str, Any]:
    ratios, rates, own = [], [], []
    for _ in range(TURNS):
        before, rate, after = _by_cpu(), draw(count), _by_cpu()
        own.append((before + after) / 2)
        rates.append(rate)
        ratios.append(rate / own[-1])
    name = f"{count} processes ({how})"
    figures = {
        f"natural, CPU beside {name}: frames/s": round(median(own), 1),
        f"natural, {name}: frames/s": round(median(rates)),
        f"natural, {name} over the CPU's thread": round(median(ratios), 1),
    }
    return told(figures)


def _by_cpu() -> float:
    cv2.setNumThreads(1)
    painter, picture, face = Painter(), _painted(), _face(WIDTH / 2, HEIGHT / 2, FACE_PX)
    target = Picture.blank(picture.geometry, picture.colour)
    took = 0.0
    for number in range(CPU_FRAMES + 5):
        picture.copy_to(target)
        started = time.perf_counter()
        painter.draw(target, [face], LOOK)
        took += time.perf_counter() - started if number >= 5 else 0.0
    return CPU_FRAMES / took


def _paint(name: str, tell: Callable[[float], None], inboxes: dict[str, Any], make: Callable[[], Device]) -> None:
    device, inbox = make(), inboxes[name]
    warm(device)
    painter, face = CardPainter(device), _face(WIDTH / 2, HEIGHT / 2, FACE_PX)
    targets = [uploaded(device, _painted()) for _ in range(IN_A_ROW)]
    painter.draw(targets[0], [face], LOOK)
    device.synchronize()
    tell(0.0)
    while inbox.get()[0] != "end":
        frames, started = 0, time.perf_counter()
        while time.perf_counter() - started < SECONDS:
            for target in targets:
                painter.draw(target, [face], LOOK)
            device.synchronize()
            frames += len(targets)
        tell(frames / (time.perf_counter() - started))


if __name__ == "__main__":
    print(json.dumps(measure()))
