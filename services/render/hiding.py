"""Draws what hides heads: the last that is drawn, over everything, and over the whole of each head."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from services.render.effects import PRIVACY_EFFECTS
from services.render.masks import feathered, filled
from services.render.premultiplied import premultiplied
from services.render.region import Region, size_of
from services.render.veil import Veil

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.render.head import Head
    from services.render.region import Grid, Scratch
    from shared.model.looks import Look
    from shared.model.pictures import Picture

CELLS = 64
"""A head's size is at most so many cells of the grid that the mask is drawn on."""
FEATHER = 0.05
"""Width of the soft edge around a head, in its size."""


def hide(target: Picture, heads: Iterable[Head], look: Look, scratch: Scratch) -> None:
    """Draw what a look hides faces by on heads of `target` in place.

    Within its ring nothing of a head is left but what the effect shows instead; around it that fades, and farther away
    every sample stays as it is, bit by bit. Alpha is hidden as colours are: no outline is left where there is no
    background.
    """
    for head in heads:
        region = region_of(head, size_of(target))
        if region is None:
            continue
        weight = weight_of(head, region)
        if target.alpha is None:
            _hide(Veil.over(target, head, region), weight, look, scratch)
            continue
        there = region.spread(weight, 1, scratch, "gain") > 0
        with premultiplied(target, region, there) as planes:
            _hide(Veil(head, region, planes, (1, 1), target.colour), weight, look, scratch)


def region_of(head: Head, size: tuple[int, int]) -> Region | None:
    """The part of a picture of `size` (width, height) that a head is hidden in; None where it lies off the picture."""
    step = head.step(CELLS)
    return Region.around(head.ring_px, FEATHER * head.size_px + 4 * step, step, size)


def _hide(veil: Veil, weight: Grid, look: Look, scratch: Scratch) -> None:
    for name in look.drawn:
        if name not in PRIVACY_EFFECTS:
            continue
        shown = PRIVACY_EFFECTS[name](veil, getattr(look, name))
        for samples, instead, subsampling in zip(veil.planes, shown, veil.subsamplings, strict=True):
            there = veil.region.spread(weight, subsampling, scratch, "gain")
            left = np.subtract(1, there, out=scratch.take("offset", there.shape))  # OpenCV takes 4 x 1 for a scalar
            cv2.blendLinear(samples, instead, left, there, samples)


def weight_of(head: Head, region: Region) -> Grid:
    """[rows, columns] float32: 1 within the head, whatever the way to full size mixes, then fading to 0."""
    radius = max(1, round(FEATHER / 2 * head.size_px / region.step))
    reach_px = (radius + 2) * region.step
    ring = region.to_grid(head.widened(reach_px).ring_px)
    return np.minimum(feathered(filled(region.cells, [ring]), radius), np.float32(1))
