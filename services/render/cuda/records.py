"""What the kernels of tones are told of a face: one record for each of its extents, and its points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from services.render.effects import EYE_EFFECTS, FACE_EFFECTS, MOUTH_EFFECTS
from services.render.effects.makeup.eyeliner import lash_line, thicker
from services.render.effects.skin.sharpen import RADIUS as SHARP_RADIUS
from services.render.masks import fixed_point
from services.render.skin import FEATURES, SAMPLED, heights
from shared.model.colours import yuv_of_rgb
from shared.model.parameters import rgb_of
from shared.model.parts import Part

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from services.render.eyes import Eye
    from services.render.region import Region
    from services.render.shape import FaceShape
    from shared.model.looks import Look
    from shared.model.pictures import Colour, Geometry

    Points = NDArray[np.float32]

EFFECTS: Final = (*FACE_EFFECTS, *EYE_EFFECTS, *MOUTH_EFFECTS)
"""By the numbers that kernels know them by."""
_SKIN: Final = (Part.OVAL, *FEATURES)
_CONTOUR: Final = (
    *(Part.RIGHT_HOLLOW, Part.LEFT_HOLLOW, Part.RIGHT_CHEEK_TOP, Part.LEFT_CHEEK_TOP, Part.BROW_MIDDLE),
    *(Part.RIGHT_JAW, Part.LEFT_JAW, Part.RIGHT_NOSE_SIDE, Part.LEFT_NOSE_SIDE, Part.NOSE_RIDGE),
)
_UNDER_EYES: Final = (Part.RIGHT_UNDER_EYE, Part.LEFT_UNDER_EYE)
_RINGS: Final = {
    "dark_circles": _UNDER_EYES,
    "nasolabial": (Part.RIGHT_FOLD, Part.LEFT_FOLD),
    "contour": _CONTOUR,
    "blush": (Part.RIGHT_CHEEK, Part.LEFT_CHEEK),
}
"""What effects of the whole face draw besides skin."""
_MOUTH: Final = (Part.LIPS, Part.MOUTH)
PARTS: Final = (
    *(*_SKIN, *(part for parts in _RINGS.values() for part in parts), Part.MOUTH, Part.BARE_SKIN),
    *("eye", "brow", "lid-skin", "lashes"),
)
"""Rings, lines and points by the numbers that kernels know them by; the last are those of the eye that is drawn."""
KEPT: Final = (
    *("luma", "blue", "red", "oval", "texture", "tint", "gain", "offset", "blue_offset", "red_offset", "sharp"),
    *("one", "two", "three", "four", "sums"),
)
"""The grids that a job has room for: cell means, the skin, what becomes of the samples, and steps between."""
GRIDS: Final = len(KEPT) + 2
"""The last of them, sums, has room for three."""
BARE_POINTS: Final = 64
"""Most points of bare skin that a layout may have."""
BARE_NUMBERS: Final = 6
"""What is known of a face's bare skin, float32: how many points, medians of Y, Cb, Cr, and deviations of Cb and Cr."""

JOB: Final = np.dtype(
    [
        *((name, np.uint64) for name in ("luma", "chroma")),
        *((name, np.int64) for name in ("arena", "copy", "points")),
        *((name, np.int32) for name in ("width", "height", "x0", "y0", "x1", "y1", "step", "rows", "columns")),
        *((name, np.int32) for name in ("black", "white", "face", "is_first", "draws_face", "effects")),
        *((name, np.int32) for name in ("sharp_radius", "sampled", "hair_rows", "outer_lashes", "gloss")),
        *((name, np.int32, (len(PARTS),)) for name in ("ring_start", "ring_count")),
        *((name, np.float32) for name in ("scale", "hair_x", "hair_y", "hair_right", "hair_down")),
        *((name, np.float32) for name in ("facing_right", "facing_left", "highlight")),
        *((name, np.float32) for name in ("lashes_x", "lashes_y", "fading_right", "fading_down")),
        *((name, np.float32) for name in ("eye_x", "eye_y", "eye_width")),
        ("yuv_of_rgb", np.float32, (12,)),
        ("amount", np.float32, (len(EFFECTS),)),
        ("colour", np.float32, (3 * len(EFFECTS),)),
    ],
    align=True,
)
"""One extent of one face. Places and lengths are in cells; `arena` is in floats, `copy` and `points` in bytes."""


class Extent(NamedTuple):
    """What is drawn over one extent of a face."""

    effects: tuple[str, ...]
    eye: Eye | None
    """Which, where it is an eye's."""

    @property
    def is_face(self) -> bool:
        """True for what is drawn over the whole face."""
        return self.effects[0] in FACE_EFFECTS


def template(look: Look, extent: Extent) -> NDArray[np.void]:
    """[1] of JOB, with what is the same for every face."""
    job = np.zeros(1, JOB)
    for name in extent.effects:
        number, value = EFFECTS.index(name), getattr(look, name)
        job["effects"] |= 1 << number
        job["amount"][0, number] = value if isinstance(value, int | float) else value.amount
        if hasattr(value, "color"):
            job["colour"][0, 3 * number : 3 * number + 3] = rgb_of(value.color)
    job["draws_face"] = extent.is_face
    job["highlight"] = look.contour.highlight if look.contour is not None else 0
    job["gloss"] = look.lipstick is not None and look.lipstick.finish == "gloss"
    return job


def describe(job: NDArray[np.void], shape: FaceShape, region: Region, extent: Extent) -> NDArray[np.int32]:
    """Write what is known of a face into its record, a row of JOB; gives its points, int32 [n, 2]."""
    job["x0"], job["y0"], job["x1"], job["y1"], job["step"] = region.x0, region.y0, region.x1, region.y1, region.step
    job["rows"], job["columns"] = region.cells
    job["scale"] = scale = shape.scale_px / region.step
    job["sampled"] = max(1, round(SAMPLED * shape.scale_px))
    job["sharp_radius"] = max(1, round(SHARP_RADIUS * shape.scale_px)) if "sharpen" in extent.effects else 0
    named = dict(_named(shape, extent))
    places = {number: len(points) for number, points in named.items()}
    starts = dict(zip(places, np.cumsum([0, *places.values()]).tolist(), strict=False))
    for number, count in places.items():
        job["ring_start"][number], job["ring_count"][number] = starts[number], count
    cells = region.to_grid(np.concatenate(list(named.values())))
    if extent.eye is not None:
        job["outer_lashes"] = thicker(places.get(_NUMBERS["lashes"], 0))
        _describe_eye(job, shape, region, extent.effects, extent.eye)
    elif extent.is_face:
        job["facing_right"], job["facing_left"] = shape.facing() if {"contour", "blush"} & {*extent.effects} else (0, 0)
        lips = cells[starts[_LIPS] :][: places[_LIPS]]
        brows = cells[starts[_BROWS[0]] :][: sum(places[brow] for brow in _BROWS)]
        (job["hair_rows"], job["hair_x"], job["hair_y"], job["hair_right"], job["hair_down"]) = heights(
            brows, lips, scale, region.cells[0]
        )
    fixed = fixed_point(cells)
    if job["is_first"]:
        bare = np.rint(shape.part(Part.BARE_SKIN)).astype(np.int32)
        job["ring_start"][_BARE_SKIN], job["ring_count"][_BARE_SKIN] = len(fixed), len(bare)
        fixed = np.concatenate([fixed, bare])  # in pixels
    return fixed


def describe_picture(job: NDArray[np.void], geometry: Geometry, colour: Colour) -> None:
    """Write what is known of a picture, but where it lies, into a record."""
    job["width"], job["height"] = geometry.width, geometry.height
    job["black"], job["white"] = (0, 255) if colour.full_range else (16, 235)
    job["yuv_of_rgb"] = yuv_of_rgb(colour).ravel()


_NUMBERS: Final = {part: number for number, part in enumerate(PARTS)}
_LIPS, _BARE_SKIN = _NUMBERS[Part.LIPS], _NUMBERS[Part.BARE_SKIN]
_BROWS: Final = (_NUMBERS[Part.RIGHT_BROW], _NUMBERS[Part.LEFT_BROW])


def _named(shape: FaceShape, extent: Extent) -> Iterator[tuple[int, Points]]:
    """Numbers and places, in pixels, of the parts that an extent is drawn by."""
    eye = extent.eye
    if eye is None:
        parts = (*_SKIN, *(part for name in extent.effects for part in _RINGS.get(name, ())))
        for part in parts if extent.is_face else _MOUTH:
            yield _NUMBERS[part], shape.part(part)
        return
    yield _NUMBERS["eye"], shape.part(eye.ring)
    yield _NUMBERS["brow"], shape.part(eye.brow)
    if "eyeshadow" in extent.effects:
        yield _NUMBERS["lid-skin"], shape.part(eye.lid_skin)
    if "eyeliner" in extent.effects:
        yield _NUMBERS["lashes"], lash_line(*(shape.part(part) for part in (eye.upper_lid, eye.corners, eye.brow)))


def _describe_eye(job: NDArray[np.void], shape: FaceShape, region: Region, effects: tuple[str, ...], eye: Eye) -> None:
    if "eyeshadow" in effects:
        ends = np.stack([shape.part(part).mean(axis=0) for part in (eye.upper_lid, eye.brow)])
        lashes, brow = region.to_grid(ends)
        job["lashes_x"], job["lashes_y"] = lashes
        job["fading_right"], job["fading_down"] = brow - lashes
    if "lenses" in effects:
        centre, outer, inner = region.to_grid(np.concatenate([shape.part(eye.centre), shape.part(eye.corners)]))
        job["eye_x"], job["eye_y"] = centre
        job["eye_width"] = np.linalg.norm(outer - inner)
