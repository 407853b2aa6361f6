"""Texture: a picture painted on the face template, laid onto the face."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from services.render.blending import SHADED
from services.render.canvas import Canvas
from services.render.laying import lay
from services.render.masks import filled, mean, mean_of, ramp
from services.render.patch import read
from services.render.region import Region, size_of
from services.render.skin import FEATURE_FEATHER, FEATURES, bare_skin
from services.render.uv import laid
from shared.model.parts import Part
from shared.model.template import face_template

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from services.render.paints import Paints
    from services.render.pyramid import Pixels, Pyramid
    from services.render.region import Grid, Scratch
    from services.render.shape import FaceShape
    from shared.model.effects import Texture
    from shared.model.looks import Look
    from shared.model.pictures import Picture

    Flags = NDArray[np.bool_]
    Floats = NDArray[np.float32]

CELLS = 128
"""The face's scale is at most so many cells of the grid on which the template is laid."""
FEATHER = 0.2
"""How far the edge of the face reaches inwards at full feather, in face scales."""
WINDOW = 0.045
"""Half width of the window whose brightness is the light on a spot, in face scales."""
LIGHT = (0.3, 1.5)
"""The light on a spot, to that on the middle of the skin, is taken to be within."""
SPECK = 0.035
"""Half width of the window that must be covered for something to be before the face, in face scales: nostrils, frames
of glasses and stubble are less."""
COVERED, BARE = 0.35, 0.65
"""Shares of skin in such a window up to which it is covered, and from which on it is not."""


def draw_texture(target: Picture, shape: FaceShape, look: Look, paints: Paints, scratch: Scratch) -> None:
    """Lay the texture of a look, if it has one, on one face of `target` in place."""
    texture = look.texture
    if texture is None or not texture.strength:
        return
    paint = paints.of(texture.asset, "texture")
    wanted = painted(paint)
    extent = Extent.of(shape, wanted, size_of(target))
    if extent is None:
        return
    face, region = extent
    sheet = laid(shape, region, wanted)
    # Skin is told by the whole face, however little of it is painted.
    canvas, part = Canvas(shape, face, read(target, face), bare_skin(target, shape)), face.cells_of(region)
    weight = sheet.facing * (_bare(canvas) * _edge(canvas, texture.feather))[part] * np.float32(texture.amount)
    weights = region.spread(weight, 1, scratch, "weight")
    cv2.multiply(weights, _outline(shape, region), weights, 1 / 255, cv2.CV_32F)
    light = None
    if is_lit(texture):
        light = region.spread(_light(canvas, texture.shading)[part], 1, scratch, "light")
    above = _shown(sheet.uv, shape, region, paint, scratch)
    lay(target, region, above, weights, scratch, mode=texture.blend, light=light)


class Extent(NamedTuple):
    """Where a texture lies on a face."""

    face: Region
    """All of the face."""
    region: Region
    """What of it is painted; on cells of the same size."""

    @classmethod
    def of(cls, shape: FaceShape, wanted: Flags, size: tuple[int, int]) -> Extent | None:
        """In a picture of `size` (width, height). wanted: as `painted` answers. None where no pixel is painted."""
        face = face_of(shape, size)
        reached = shape.points_px[_reached(wanted)]
        region = Region.around(reached, 2 * face.step, face.step, size) if face and len(reached) else None
        return cls(face, region) if face and region else None


def face_of(shape: FaceShape, size: tuple[int, int]) -> Region | None:
    """All that a texture is drawn by, of a face in a picture of `size` (width, height); None where that is nothing."""
    step = shape.step(CELLS)
    return Region.around(shape.points_px, 2 * step, step, size)


def is_lit(texture: Texture) -> bool:
    """True where the light on a face is to be shown on the texture."""
    return bool(texture.shading) and texture.blend in SHADED


def level_of(paint: Pyramid, shape: FaceShape) -> Grid:
    """The level of a paint that is shown on a face."""
    wide = np.ptp(face_template().uv[:, 0]) * paint.size[0]
    return paint.level(float(wide) / shape.scale_px)


def speck_cells(scale: float) -> int:
    """SPECK, in cells of a grid on which the face's scale is so many cells."""
    return max(1, round(SPECK * scale))


def window_cells(scale: float) -> int:
    """The same of WINDOW."""
    return max(1, round(WINDOW * scale))


def edge_cells(feather: float, scale: float) -> int:
    """The same of half the way that the face's edge reaches inwards; 0 for a hard edge."""
    return round(FEATHER / 2 * feather * scale)


def _reached(wanted: Flags) -> Flags:
    """[points of the mesh] True for the corners of triangles."""
    points = np.zeros(len(face_template().points), np.bool_)
    points[face_template().triangles[wanted]] = True
    return points


def painted(paint: Pyramid) -> Flags:
    """[triangles of the template] True where the paint shows something, or may show something."""
    sums = paint.shown
    left, top, right, bottom = _boxes(sums.shape[0] - 1, sums.shape[1] - 1)
    return np.asarray(sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left] > 0)


@lru_cache(maxsize=16)
def _boxes(rows: int, columns: int) -> NDArray[np.intp]:
    """[4, triangles of the template]: left, top, right, bottom of the cells around each; the latter two excluded."""
    template = face_template()
    corners = (template.uv[template.triangles] * (columns, rows)).astype(np.intp)
    return np.concatenate([corners.min(axis=1), corners.max(axis=1) + 1], axis=1).T


def _bare(canvas: Canvas) -> Grid:
    """0..1: 0 where something that is no skin lies before the face, as far as colour tells; features are the face."""
    features = canvas.ring(*FEATURES, feather=FEATURE_FEATHER)
    skin = mean(np.minimum(canvas.skin.tint + features, 1), speck_cells(canvas.scale))
    return ramp(skin, COVERED, BARE)


def _edge(canvas: Canvas, feather: float) -> Grid:
    """0..1: rises from the face's edge inwards."""
    oval = filled(canvas.region.cells, [canvas.region.to_grid(oval_px(canvas.shape))])
    radius = edge_cells(feather, canvas.scale)
    if radius < 1:
        return np.ones(canvas.region.cells, np.float32)
    return ramp(mean(oval.astype(np.float32), radius), 255 * 0.5, 255)


def _light(canvas: Canvas, shading: float) -> Grid:
    """How bright the skin is around, without eyes, brows, lips and hair, to its median."""
    skin, black = canvas.skin, canvas.luma_range[0]
    radius = window_cells(canvas.scale)
    weight = skin.tint + np.float32(1e-3)
    around = mean_of(canvas.planes[0] - black, weight, radius)
    relative = np.clip(around / max(1.0, skin.tone[0] - black), *LIGHT)
    return np.asarray(1 + np.float32(shading) * (relative - 1), np.float32)


def _shown(uv: Grid, shape: FaceShape, region: Region, paint: Pyramid, scratch: Scratch) -> Grid:
    """[rows, columns, 4], premultiplied: the paint as each pixel of the region shows it."""
    level = level_of(paint, shape)
    rows, columns = level.shape[:2]
    places = uv * np.array((columns, rows), np.float32) - np.float32(0.5)
    full = region.spread(places, 1, scratch, "places")
    above = scratch.take("above", (*region.shape(1), 4))
    cv2.remap(level, full, None, cv2.INTER_LINEAR, above, cv2.BORDER_REPLICATE)  # type: ignore[call-overload] # no second map
    return above


def oval_px(shape: FaceShape) -> Floats:
    """[n, 2] x, y: the mesh's oval."""
    return np.asarray(shape.points_px[face_template().lines[Part.OVAL]], np.float32)


HOLES = (Part.RIGHT_EYE, Part.LEFT_EYE, Part.MOUTH)
"""Rings within the oval in which no texture lies."""


def _outline(shape: FaceShape, region: Region) -> Pixels:
    """uint8 [rows, columns]: 255 within the mesh's oval, but for eyes and mouth."""
    corner = np.array((region.x0, region.y0), np.float32)
    face = filled(region.shape(1), [oval_px(shape) - corner])
    holes = filled(region.shape(1), [shape.part(part) - corner for part in HOLES])
    return cv2.subtract(face, holes, face)  # type: ignore[return-value] # OpenCV's stub forgets the dtype
