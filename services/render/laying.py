"""Lays a picture with alpha over a region of another, whatever the layout of its samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from services.render.blending import blend
from services.render.patch import opened_rgb, read
from services.render.premultiplied import premultiplied
from shared.model.colours import yuv_of_rgb
from shared.model.pictures import PixelFormat

if TYPE_CHECKING:
    from services.render.patch import Patch
    from services.render.region import Grid, Plane, Region, Scratch
    from shared.model.effects import Blend
    from shared.model.pictures import Picture


def lay(
    target: Picture,
    region: Region,
    above: Grid,
    weight: Grid,
    scratch: Scratch,
    *,
    mode: Blend = "normal",
    light: Grid | None = None,
) -> None:
    """Lay `above` over a region of `target` in place; arguments as those of `blend`.

    Samples on which nothing lies stay as they are, bit by bit. The mode "normal" is a mean of both, which is the same
    in Y, Cb and Cr as in R, G and B: 4:2:0 is not turned into RGB for it, which would take longer than all else.
    In a picture with alpha what is laid "normal" is seen where nothing was, too; other modes change what is there.
    """
    if mode == "normal" and target.alpha is not None:
        with premultiplied(target, region) as (pixels, alpha):
            _cover(alpha, above, weight)
            blend(pixels, above, weight, scratch, light=light)
        return
    if mode == "normal" and target.geometry.format is PixelFormat.I420:
        _mix(read(target, region), above, weight, light, scratch)
        return
    with opened_rgb(target, region) as pixels:
        blend(pixels, above, weight, scratch, mode=mode, light=light)


def _cover(alpha: Plane, above: Grid, weight: Grid) -> None:
    """Opacity under something that is opaque itself, in place."""
    laid = above[..., 3] * weight * np.float32(1 / 255)
    np.rint(alpha + laid * (255 - alpha.astype(np.float32)), out=alpha, casting="unsafe")


def _mix(patch: Patch, above: Grid, weight: Grid, light: Grid | None, scratch: Scratch) -> None:
    size = patch.y.shape
    if light is not None:
        above = _lit(above, light, scratch)
    turn = np.eye(4)
    matrix = yuv_of_rgb(patch.colour)
    turn[:3, :3] = matrix[:, :3]  # what is added to black and to grey: these come with alpha
    turned = scratch.take("turned", (*size, 4))
    cv2.transform(above, turn, turned)
    alpha = scratch.take("alpha", size)
    cv2.extractChannel(turned, 3, alpha)
    cv2.multiply(alpha, weight, alpha, 1 / 255)
    colour = scratch.take("colour", size)
    cv2.extractChannel(turned, 0, colour)
    cv2.multiply(colour, weight, colour)
    _add(patch.y, colour, alpha, float(matrix[0, 3]), scratch)
    halves = halved(alpha, scratch, "alpha halves")
    for channel, plane in ((1, patch.cb), (2, patch.cr)):
        cv2.extractChannel(turned, channel, colour)
        cv2.multiply(colour, weight, colour)
        _add(plane, halved(colour, scratch, "colour halves"), halves, float(matrix[channel, 3]), scratch)


def _lit(above: Grid, light: Grid, scratch: Scratch) -> Grid:
    """Colours times the light on them, none beyond what its alpha holds: white stays white."""
    lit = scratch.take("lit", above.shape)
    np.multiply(above, light[..., None], out=lit)
    np.minimum(lit, above[..., 3:], out=lit)
    lit[..., 3] = above[..., 3]
    return lit


def _add(samples: Plane, colour: Grid, alpha: Grid, ground: float, scratch: Scratch) -> None:
    """samples + colour + alpha * (ground - samples), in place; colour is used up."""
    below = scratch.take("below", samples.shape)
    np.copyto(below, samples)
    below -= np.float32(ground)
    below *= alpha
    colour -= below
    cv2.add(samples, colour, samples, None, cv2.CV_8U)


def halved(grid: Grid, scratch: Scratch, name: str) -> Grid:
    """The means of two by two cells, of fewer at odd ends; lives in scratch."""
    rows, columns = grid.shape
    if rows % 2 or columns % 2:
        whole = scratch.take(f"{name}, even", (rows + rows % 2, columns + columns % 2))
        cv2.copyMakeBorder(grid, 0, rows % 2, 0, columns % 2, cv2.BORDER_REPLICATE, whole)
        grid = whole
    half = scratch.take(name, ((rows + 1) // 2, (columns + 1) // 2))
    cv2.resize(grid, half.shape[::-1], half, interpolation=cv2.INTER_AREA)
    return half
