"""What bending, laying, colouring and hiding take at 1080p on a card, beside one thread of the CPU.

The two take turns, round by round. Of the card there are three figures of a draw: until it is done, of many in a row
(what a lane of many streams pays), and what the host has to do with it.
"""

from __future__ import annotations

import json
import time
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np

from services.render.bending import Bending, bend
from services.render.colouring import Colouring
from services.render.cuda.background import CardBackdrops
from services.render.cuda.bending import CardBending
from services.render.cuda.colouring import CardColours
from services.render.cuda.hiding import CardHiding
from services.render.cuda.painter import CardPainter
from services.render.drawing import Painter
from services.render.effects.frame.background import Backdrops
from services.render.head import heads_of
from services.render.hiding import hide
from services.render.layouts.frontal import frontal
from services.render.moment import Moment
from services.render.region import Scratch
from services.render.shape import FaceShape
from shared.cuda.card import Card
from shared.cuda.pictures import CardPicture
from shared.model.assets import PreparedPicture
from shared.model.effects import Background, FaceCover, Grade, Sticker, Texture
from shared.model.faces import Face, Layout
from shared.model.looks import Look
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat
from tests.bench.paintings import warm
from tests.cuda.likeness import uploaded

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.cuda.device import Device
    from shared.model.assets import Prepared

WIDTH, HEIGHT = 1920, 1080
FACE_PX = 400
ROUNDS, IN_A_ROW = 15, 20
ASSET, PAINT = "a" * 32, "b" * 32
SPOTS = cv2.resize(
    np.random.default_rng(2).integers(0, 256, (9, 9, 4), np.uint8), (512, 512), interpolation=cv2.INTER_CUBIC
)
ASSETS: dict[str, Prepared] = {
    ASSET: warm(33),
    PAINT: PreparedPicture(width=512, height=512, frames=(SPOTS.tobytes(),), durations_ms=(0,)),
}
STICKERS = (
    Sticker(asset=PAINT, anchor="eyes"),
    Sticker(asset=PAINT, anchor="nose", size=0.3),
    Sticker(asset=PAINT, anchor="head", size=1.2),
)
NATURAL = Look(slim_face=0.2, enlarge_eyes=0.15)
"""What bends in the preset of that name."""


class Way(NamedTuple):
    """One thing that is drawn."""

    by_cpu: Callable[[Picture], object]
    by_card: Callable[[CardPicture], object]


def measure(device: Device | None = None) -> dict[str, Any]:
    """Milliseconds a draw, and how many times as long the CPU takes as one of many in a row on the card."""
    cv2.setNumThreads(1)
    device = device or Card()
    picture = _painted()
    target, there = Picture.blank(picture.geometry, picture.colour), uploaded(device, picture)
    seconds: dict[str, list[float]] = {}

    def add(name: str, value: float) -> None:
        seconds.setdefault(name, []).append(value)

    ways = _ways(device)
    for round_number in range(ROUNDS + 1):
        for name, way in ways.items():
            picture.copy_to(target)
            cpu = _timed(lambda: way.by_cpu(target))  # noqa: B023  -- called at once
            alone = _timed(lambda: (way.by_card(there), device.synchronize()))  # noqa: B023  -- as above
            started = time.perf_counter()
            for _ in range(IN_A_ROW):
                way.by_card(there)
            told = time.perf_counter()
            device.synchronize()
            if round_number:  # the first one compiles
                add(f"{name}, CPU, ms", cpu)
                add(f"{name}, card alone, ms", alone)
                add(f"{name}, card in a row, ms", (time.perf_counter() - started) / IN_A_ROW)
                add(f"{name}, card's host, ms", (told - started) / IN_A_ROW)
    figures: dict[str, Any] = {name: round(median(found) * 1000, 4) for name, found in seconds.items()}
    for name in ways:
        figures[f"{name}, CPU to card in a row"] = figures[f"{name}, CPU, ms"] / figures[f"{name}, card in a row, ms"]
    return figures


def _timed(draw: Callable[[], object]) -> float:
    started = time.perf_counter()
    draw()
    return time.perf_counter() - started


def _ways(device: Device) -> dict[str, Way]:
    one = [_face(WIDTH / 2, HEIGHT / 2, FACE_PX)]
    four = [_face(WIDTH * (at + 0.5) / 4, HEIGHT / 2, FACE_PX / 2) for at in range(4)]
    everything = Look(brightness=0.2, contrast=0.2, saturation=0.3, temperature=0.4)
    return {
        "bend one face": _bending(device, NATURAL, one),
        "bend four faces": _bending(device, NATURAL, four),
        "three stickers": _laying(device, Look(stickers=STICKERS), one),
        "sticker behind a head": _laying(device, Look(stickers=(Sticker(asset=PAINT, size=2.0, behind=True),)), one),
        "stickers of four faces": _laying(device, Look(stickers=STICKERS), four),
        "texture": _laying(device, Look(texture=Texture(asset=PAINT)), one),
        "texture by soft light": _laying(device, Look(texture=Texture(asset=PAINT, blend="soft-light")), one),
        "texture of four faces": _laying(device, Look(texture=Texture(asset=PAINT)), four),
        "saturation": _colouring(device, Look(saturation=0.3)),
        "four colour settings": _colouring(device, everything),
        "grade": _colouring(device, Look(grade=Grade(asset=ASSET))),
        "blur one head": _hiding(device, Look(face_blur=0.6), one),
        "pixelate one head": _hiding(device, Look(face_pixelate=0.6), one),
        "cover one head": _hiding(device, Look(face_cover=FaceCover()), one),
        "blurred background": _backing(device, Look(background=Background(amount=0.5)), one),
        "other background": _backing(device, Look(background=Background(kind="color")), one),
    }


def _bending(device: Device, look: Look, faces: list[Face]) -> Way:
    bending, card, scratch = Bending(look), CardBending(look), Scratch()

    def shapes() -> list[FaceShape]:
        return [shape for face in faces if (shape := FaceShape.of(face)) is not None]

    def by_cpu(target: Picture) -> None:
        for shape in shapes():
            bumps = bending.bumps(shape)
            assert bumps is not None
            bend(target, shape, bumps, scratch)

    return Way(by_cpu, lambda target: card.draw(target, shapes(), device))


def _laying(device: Device, look: Look, faces: list[Face]) -> Way:
    painter, card = Painter(ASSETS), CardPainter(device, ASSETS)
    return Way(lambda target: painter.draw(target, faces, look), lambda target: card.draw(target, faces, look))


def _colouring(device: Device, look: Look) -> Way:
    colouring, card, scratch = Colouring(ASSETS), CardColours(ASSETS), Scratch()
    return Way(lambda target: colouring.draw(target, look, scratch), lambda target: card.draw(target, look, device))


def _hiding(device: Device, look: Look, faces: list[Face]) -> Way:
    card, scratch = CardHiding(), Scratch()
    return Way(
        lambda target: hide(target, heads_of(faces), look, scratch),
        lambda target: card.draw(target, heads_of(faces), look, device),
    )


def _backing(device: Device, look: Look, faces: list[Face]) -> Way:
    backdrops, card, scratch = Backdrops({}), CardBackdrops({}), Scratch()
    mask = np.zeros((144, 256), np.uint8)
    cv2.ellipse(mask, (128, 72), (40, 60), 0, 0, 360, 255, -1)
    moment = Moment(people=mask)

    def heads() -> list[FaceShape]:
        return [shape for face in faces if (shape := FaceShape.of(face)) is not None]

    return Way(
        lambda target: backdrops.draw(target, heads(), look, moment, scratch),
        lambda target: card.draw(target, heads(), look, moment, device),
    )


def _face(x: float, y: float, scale: float) -> Face:
    return Face.of((frontal(Layout.MESH) * np.float32(scale) + np.array((x, y, 0))).astype(np.float32), 1.0)


def _painted() -> Picture:
    """A frame of soft colours: a table in RGB costs the CPU as many colours as there are."""
    spots = np.random.default_rng(1).integers(60, 200, (9, 16, 3), np.uint8)
    rgb = cv2.resize(spots, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    geometry = Geometry(PixelFormat.I420, WIDTH, HEIGHT)
    return Picture.over(geometry, Colour(), cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420).reshape(-1))


if __name__ == "__main__":
    print(json.dumps(measure()))
