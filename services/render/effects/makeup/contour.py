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


def contour(tone: Tone, canvas: Canvas, value: Contour) -> None:
    """Each side as far as it is turned to the camera; shades are warm, lights take no colour."""
    skin = canvas.skin.tint
    dark = np.minimum(_shades(canvas), 1) * skin * np.float32(value.amount)
    bright = np.minimum(_lights(canvas), 1) * skin * np.float32(value.highlight)
    black = canvas.luma_range[0]
    around = mean(canvas.planes[0], max(1, round(0.04 * canvas.scale))) - black
    tone.add(0, around * (np.float32(LIGHT) * bright - np.float32(SHADE) * dark))
    tone.add(2, dark * np.float32(WARM))


def _shades(canvas: Canvas) -> Grid:
    right, left = canvas.shape.facing()
    shades = canvas.ring(Part.RIGHT_HOLLOW, feather=0.1) * np.float32(0.8 * right)
    shades += canvas.ring(Part.LEFT_HOLLOW, feather=0.1) * np.float32(0.8 * left)
    jaws = [_stroke(canvas, part, JAW_WIDTH, 0.05) for part in (Part.RIGHT_JAW, Part.LEFT_JAW)]
    flanks = [_stroke(canvas, part, NOSE_WIDTH, 0.018) for part in (Part.RIGHT_NOSE_SIDE, Part.LEFT_NOSE_SIDE)]
    shades += np.float32(0.7) * np.maximum(*jaws)
    shades += np.float32(0.3) * np.maximum(*flanks)
    return shades


def _lights(canvas: Canvas) -> Grid:
    right, left = canvas.shape.facing()
    lights = canvas.ring(Part.RIGHT_CHEEK_TOP, feather=0.07) * np.float32(right)
    lights += canvas.ring(Part.LEFT_CHEEK_TOP, feather=0.07) * np.float32(left)
    lights += canvas.ring(Part.BROW_MIDDLE, feather=0.06) * np.float32(0.6)
    return lights + np.float32(0.8) * _stroke(canvas, Part.NOSE_RIDGE, NOSE_WIDTH, 0.018)


def _stroke(canvas: Canvas, part: Part, width: float, feather: float) -> Grid:
    line = stroked(canvas.region.cells, canvas.cells_of(part), width * canvas.scale)
    return feathered(line, feather * canvas.scale)
