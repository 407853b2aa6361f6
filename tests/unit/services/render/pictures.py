"""Pictures compared, and made for looks to refer to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from services.render.canvas import Canvas
from services.render.patch import opened
from services.render.region import Region, Scratch, size_of
from services.render.shape import FaceShape
from services.render.skin import bare_skin
from services.render.tone import Tone
from shared.model.assets import PreparedPicture
from shared.model.parts import Part
from shared.model.pictures import Colour, Picture, PixelFormat

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.model.pictures import Geometry


HOST_LAYOUTS = (PixelFormat.I420, PixelFormat.RGB24)
"""What CPU forms draw on."""


def noise(size: Geometry, seed: int) -> Picture:
    """Samples of any value, of full range."""
    samples = np.random.default_rng(seed).integers(0, 256, size.size_bytes, np.uint8)
    return Picture.over(size, Colour(full_range=True), samples)


def same(one: Picture, other: Picture) -> bool:
    """True if they are equal bit by bit."""
    return all(np.array_equal(a, b) for a, b in zip(one.planes, other.planes, strict=True))


def change(one: Picture, other: Picture) -> int:
    """Levels from one to the other, of all samples together."""
    return sum(int(np.abs(a.astype(int) - b).sum()) for a, b in zip(one.planes, other.planes, strict=True))


def prepared(*frames: np.ndarray, lasts_ms: int = 0) -> PreparedPicture:
    """A picture of one frame [rows, columns, 4], or an animation of several; straight alpha."""
    height, width = frames[0].shape[:2]
    pixels = tuple(frame.tobytes() for frame in frames)
    return PreparedPicture(width=width, height=height, frames=pixels, durations_ms=(lasts_ms,) * len(frames))


def toned(scene: Any, draw: Callable[[Tone, Canvas], None]) -> tuple[np.ndarray, np.ndarray]:
    """Y and Cr of a scene on whose whole face `draw` was drawn."""
    target, shape = scene.copy(), FaceShape.of(scene.faces[0])
    assert shape is not None
    region = Region.around(shape.part(Part.OVAL), 0, 4, size_of(target))
    assert region is not None
    bare = bare_skin(target, shape)
    with opened(target, region) as patch:
        canvas = Canvas(shape, region, patch, bare)
        tone = Tone(canvas.planes)
        draw(tone, canvas)
        tone.apply(patch, region, Scratch())
    return target.planes[0], target.planes[2]
