"""What drawing on whole frames costs, each effect alone, one thread: `make bench ONLY=frames`.

Processor time of the drawing thread, so that other work on the machine disturbs less. People are told apart before, as
detect does it; what calming their mask takes is told beside.
"""

from __future__ import annotations

import statistics
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import cv2
import numpy as np

from services.detect.models.registry import SELFIE_NAME
from services.detect.opening import open_models
from services.render.drawing import Painter
from services.render.moment import Moment
from services.render.people import People
from shared.model.assets import PreparedLut, PreparedPicture
from shared.model.effects import Background, Grade
from shared.model.looks import Look
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.model.assets import Prepared

CLIP = Path(__file__).parents[3] / "shared" / "media" / "signer_720p.mp4"
FRAMES, ROUNDS = 24, 3
LUT, PICTURE = "0" * 32, "1" * 32
_FOUR = {"brightness": 0.3, "contrast": 0.3, "saturation": 0.3, "temperature": 0.3}
LOOKS = {
    **{name: Look(**{name: 0.5}) for name in _FOUR},
    "those four": Look(**_FOUR),
    "grade": Look(grade=Grade(asset=LUT)),
    "those four, grade": Look(**_FOUR, grade=Grade(asset=LUT)),
    **{f"background, blur {amount}": Look(background=Background(amount=amount)) for amount in (0.1, 0.5, 1.0)},
    "background, color": Look(background=Background(kind="color")),
    "background, picture": Look(background=Background(kind="picture", asset=PICTURE)),
}


def measure(models: Path) -> dict[str, Any]:
    """Milliseconds by size and effect; where the clip is missing, one sentence under `skipped`."""
    if not CLIP.exists():
        return {"skipped": f"Not on this machine: {CLIP}."}
    cv2.setNumThreads(1)
    segmenter, people, times = open_models(models).segmenter(SELFIE_NAME), People(), []
    film, masks = _film(), []
    for picture in film:
        mask = segmenter.segment(picture)
        started = time.thread_time()
        masks.append(people.seen(mask))
        times.append(1000 * (time.thread_time() - started))
    films = {"1280x720": film, "1920x1080": [_scaled(picture, 1920, 1080) for picture in film]}
    return {
        "calming a mask, ms": statistics.median(times),
        **{size: {name: _cost(shown, masks, look) for name, look in LOOKS.items()} for size, shown in films.items()},
    }


def _cost(film: Sequence[Picture], masks: Sequence[Any], look: Look) -> dict[str, float]:
    painter, target, times = Painter(_assets()), Picture.blank(film[0].geometry, film[0].colour), []
    for picture, mask in [*zip(film, masks, strict=True)] * ROUNDS:
        picture.copy_to(target)
        started = time.thread_time()
        painter.draw(target, (), look, Moment(people=mask))
        times.append(1000 * (time.thread_time() - started))
    return {"first, ms": times[0], "ms": statistics.median(times[1:])}


def _film() -> list[Picture]:
    with av.open(str(CLIP)) as file:
        frames = [frame.to_ndarray() for frame in islice(file.decode(video=0), FRAMES)]
    geometry = Geometry(PixelFormat.I420, frames[0].shape[1], frames[0].shape[0] * 2 // 3)
    return [Picture.over(geometry, Colour(), frame.reshape(-1)) for frame in frames]


def _scaled(picture: Picture, width: int, height: int) -> Picture:
    scaled = Picture.blank(Geometry(PixelFormat.I420, width, height), picture.colour)
    for plane, larger in zip(picture.planes, scaled.planes, strict=True):
        cv2.resize(plane, larger.shape[::-1], larger)
    return scaled


def _assets() -> dict[str, Prepared]:
    """A table of 33 entries a side that is no identity, and a picture of noise."""
    steps = np.linspace(0, 1, 33)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")
    table = np.stack([red**0.85, 0.03 + 0.9 * green**1.1, 0.1 + 0.8 * blue - 0.05 * red], axis=-1)
    noise = np.random.default_rng(1).integers(0, 256, (600, 900, 4), np.uint8)
    return {
        LUT: PreparedLut(size=33, body=table.astype("<f4").tobytes()),
        PICTURE: PreparedPicture(width=900, height=600, frames=(noise.tobytes(),), durations_ms=(0,)),
    }
