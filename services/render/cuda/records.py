"""What the kernels of tones are told of a face: one record for each of its extents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from services.render.cuda.places import EFFECTS, PARTS
from services.render.effects.makeup.eyeliner import thicker
from services.render.effects.skin.sharpen import RADIUS as SHARP_RADIUS
from services.render.skin import SAMPLED
from shared.model.colours import yuv_of_rgb
from shared.model.parameters import rgb_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from services.render.cuda.places import Places
    from services.render.region import Region
    from services.render.shape import FaceShape
    from shared.model.looks import Look
    from shared.model.pictures import Colour, Geometry

KEPT: Final = (
    *("luma", "blue", "red", "oval", "texture", "tint", "gain", "offset", "blue_offset", "red_offset", "sharp"),
    *("one", "two", "three", "four", "sums"),
)
"""The grids that a job has room for: cell means, the skin, what becomes of the samples, and steps between."""
GRIDS: Final = len(KEPT) + 2
"""The last of them, sums, has room for three."""
MOST_POINTS: Final = 512
"""Of all parts of an extent."""
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
        *((name, np.int32) for name in ("sharp_radius", "sampled", "outer_lashes", "gloss", "point_count")),
        *((name, np.int32, (len(PARTS),)) for name in ("ring_start", "ring_count")),
        *((name, np.float32) for name in ("scale", "facing_right", "facing_left", "highlight")),
        ("yuv_of_rgb", np.float32, (12,)),
        ("amount", np.float32, (len(EFFECTS),)),
        ("colour", np.float32, (3 * len(EFFECTS),)),
    ],
    align=True,
)
"""One extent of one face. `scale` is in cells; `arena` is in floats, `copy` and `points` in bytes."""


def template(look: Look, places: Places, geometry: Geometry, colour: Colour) -> NDArray[np.void]:
    """[1] of JOB, with what is the same for every face of a layout in pictures of a kind."""
    job = np.zeros(1, JOB)
    for name in places.extent.effects:
        number, value = EFFECTS.index(name), getattr(look, name)
        job["effects"] |= 1 << number
        job["amount"][0, number] = value if isinstance(value, int | float) else value.amount
        if hasattr(value, "color"):
            job["colour"][0, 3 * number : 3 * number + 3] = rgb_of(value.color)
    job["draws_face"] = places.extent.is_face
    job["highlight"] = look.contour.highlight if look.contour is not None else 0
    job["gloss"] = look.lipstick is not None and look.lipstick.finish == "gloss"
    job["width"], job["height"] = geometry.width, geometry.height
    job["black"], job["white"] = (0, 255) if colour.full_range else (16, 235)
    job["yuv_of_rgb"] = yuv_of_rgb(colour).ravel()
    start = 0
    for part, count in places.counts.items():
        number = PARTS.index(part)
        job["ring_start"][0, number], job["ring_count"][0, number] = start, count
        start += count
    job["point_count"] = start
    job["outer_lashes"] = thicker(places.counts.get("lashes", 0))
    return job


def describe(job: np.void, shape: FaceShape, region: Region, places: Places) -> None:
    """Write what is known of a face into its record, one of JOB."""
    effects = places.extent.effects
    job["x0"], job["y0"], job["x1"], job["y1"], job["step"] = region.x0, region.y0, region.x1, region.y1, region.step
    job["rows"], job["columns"] = region.cells
    job["scale"] = shape.scale_px / region.step
    job["sampled"] = max(1, round(SAMPLED * shape.scale_px))
    if "sharpen" in effects:
        job["sharp_radius"] = max(1, round(SHARP_RADIUS * shape.scale_px))
    if "contour" in effects or "blush" in effects:
        job["facing_right"], job["facing_left"] = shape.facing()


def lay_out(records: NDArray[np.void]) -> None:
    """Say where the working grids, the copied samples and the points of each job lie, one behind the other."""
    cells, points = records["rows"] * records["columns"], 8 * records["point_count"]
    samples = (records["y1"] - records["y0"]) * (records["x1"] - records["x0"])
    records["arena"] = GRIDS * (np.cumsum(cells) - cells)
    records["copy"] = np.cumsum(samples) - samples
    records["points"] = records.nbytes + np.cumsum(points) - points
