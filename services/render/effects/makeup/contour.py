"""Contour: shades the face below the cheekbones, along jaw and nose, and lights what stands out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.render.masks import feathered, mean, stroked
from shared.model.parts import Part

if TYPE_CHECKING:
    from services.render.canvas import Canvas
    from services.render.region import Grid
    from services.render.tone import Tone
    from shared.model.effects import Contour

SHADE, LIGHT = 0.26, 0.13
"""Part of the skin's brightness that is taken and given at full amount."""
WARM = 4.0
"""What shades add to Cr, 8-bit levels, so that they are not grey."""
JAW_WIDTH, NOSE_WIDTH = 0.07, 0.03
"""Of the strokes along jaw and nose, in face scales."""
HOLLOW_FEATHER, JAW_FEATHER, NOSE_FEATHER, CHEEK_FEATHER, BROW_FEATHER = 0.1, 0.05, 0.018, 0.07, 0.06
"""Half widths of the soft edges of hollows, jaws, nose, cheek tops and the middle of the brow, in face scales."""
HOLLOWS, JAWS, FLANKS, FOREHEAD, RIDGE = 0.8, 0.7, 0.3, 0.6, 0.8
"""What these have of the whole shade or light; the tops of the cheeks have all of it."""
WINDOW = 0.04
"""Half width of the window whose brightness is shaded, in face scales."""


def contour(tone: Tone, canvas: Canvas, value: Contour) -> None:
    """Each side as far as it is turned to the camera; shades are warm, lights take no colour."""
    skin = canvas.skin.tint
    dark = np.minimum(_shades(canvas), 1) * skin * np.float32(value.amount)
    bright = np.minimum(_lights(canvas), 1) * skin * np.float32(value.highlight)
    black = canvas.luma_range[0]
    around = mean(canvas.planes[0], max(1, round(WINDOW * canvas.scale))) - black
    tone.add(0, around * (np.float32(LIGHT) * bright - np.float32(SHADE) * dark))
    tone.add(2, dark * np.float32(WARM))


def _shades(canvas: Canvas) -> Grid:
    right, left = canvas.shape.facing()
    shades = canvas.ring(Part.RIGHT_HOLLOW, feather=HOLLOW_FEATHER) * np.float32(HOLLOWS * right)
    shades += canvas.ring(Part.LEFT_HOLLOW, feather=HOLLOW_FEATHER) * np.float32(HOLLOWS * left)
    jaws = [_stroke(canvas, part, JAW_WIDTH, JAW_FEATHER) for part in (Part.RIGHT_JAW, Part.LEFT_JAW)]
    flanks = [_stroke(canvas, part, NOSE_WIDTH, NOSE_FEATHER) for part in (Part.RIGHT_NOSE_SIDE, Part.LEFT_NOSE_SIDE)]
    shades += np.float32(JAWS) * np.maximum(*jaws)
    shades += np.float32(FLANKS) * np.maximum(*flanks)
    return shades


def _lights(canvas: Canvas) -> Grid:
    right, left = canvas.shape.facing()
    lights = canvas.ring(Part.RIGHT_CHEEK_TOP, feather=CHEEK_FEATHER) * np.float32(right)
    lights += canvas.ring(Part.LEFT_CHEEK_TOP, feather=CHEEK_FEATHER) * np.float32(left)
    lights += canvas.ring(Part.BROW_MIDDLE, feather=BROW_FEATHER) * np.float32(FOREHEAD)
    return lights + np.float32(RIDGE) * _stroke(canvas, Part.NOSE_RIDGE, NOSE_WIDTH, NOSE_FEATHER)


def _stroke(canvas: Canvas, part: Part, width: float, feather: float) -> Grid:
    line = stroked(canvas.region.cells, canvas.cells_of(part), width * canvas.scale)
    return feathered(line, feather * canvas.scale)
