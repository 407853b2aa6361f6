"""A picture lies on 4:2:0 as it would on the same pixels in RGB."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from services.render.blending import MODES, blend
from services.render.laying import halved, lay
from services.render.patch import opened_rgb
from services.render.region import Region, Scratch
from shared.model.pictures import Colour, Geometry, Matrix, Picture, PixelFormat
from tests.unit.services.render.pictures import HOST_LAYOUTS

COLOURS = [Colour(), Colour(full_range=True), Colour(Matrix.BT709), Colour(Matrix.BT2020, full_range=True)]


def scene(colour: Colour, layout: PixelFormat = PixelFormat.I420) -> Picture:
    """Soft light and colours that RGB can show."""
    picture = Picture.blank(Geometry(layout, 61, 47), colour)
    for plane, (level, reach) in zip(picture.planes, ((120, 60), (118, 12), (138, 12)), strict=False):
        rows, columns = np.mgrid[: plane.shape[0], : plane.shape[1]]
        waves = np.rint(level + reach * np.sin(rows / 9) * np.cos(columns / 7)).astype(np.uint8)
        plane[...] = waves if plane.ndim == 2 else waves[..., None]
    return picture


def copied(picture: Picture) -> Picture:
    target = Picture.blank(picture.geometry, picture.colour)
    picture.copy_to(target)
    return target


def above(region: Region) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rows, columns = np.mgrid[: region.shape(1)[0], : region.shape(1)[1]].astype(np.float32)
    alpha = 127 + 127 * np.sin(rows / 5)
    colours = [alpha * share for share in (0.8, 0.2 + rows / 100, 0.4)]
    weight = np.clip(columns / 20 - 0.5, 0, 1).astype(np.float32)
    return np.dstack([*colours, alpha]).astype(np.float32), weight, np.clip(0.6 + columns / 60, 0, 1).astype(np.float32)


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("lit", [False, True])
def test_the_mean_of_both_is_the_same_as_in_rgb(colour: Colour, lit: bool) -> None:
    picture, region = scene(colour), Region(4, 2, 61, 47, 2)
    top, weight, light = above(region)
    one, other = copied(picture), copied(picture)
    lay(one, region, top, weight, Scratch(), light=light if lit else None)
    with opened_rgb(other, region) as pixels:
        blend(pixels, top, weight, Scratch(), light=light if lit else None)
    for a, b in zip(one.planes, other.planes, strict=True):
        assert np.abs(a.astype(int) - b).max() <= 2


@pytest.mark.parametrize("layout", HOST_LAYOUTS)
@pytest.mark.parametrize("mode", MODES)
def test_where_nothing_lies_every_bit_stays(
    layout: PixelFormat,
    mode: str,
) -> None:
    picture, region = scene(Colour(), layout), Region(4, 2, 61, 47, 2)
    top, weight, _ = above(region)
    target = copied(picture)
    lay(target, region, top, weight, Scratch(), mode=mode)
    for before, after in zip(picture.planes, target.planes, strict=True):
        times = 1 if before.shape[0] == 47 else 2
        bare = 4 + int(np.flatnonzero(weight[0])[0]) // 2 * 2
        assert np.array_equal(before[:, : bare // times], after[:, : bare // times])
        assert not np.array_equal(before, after)


def test_halves_are_means_and_odd_ends_stand_for_themselves() -> None:
    grid = np.array([(1, 3, 10), (5, 7, 20), (8, 4, 6)], np.float32)
    assert halved(grid, Scratch(), "name").tolist() == [[4, 15], [6, 6]]


def test_what_lies_where_nothing_was_is_seen_there_in_its_own_colour() -> None:
    picture = scene(Colour(full_range=True), PixelFormat.RGB24)
    picture.planes[0][...] = 0
    target, region = replace(picture, alpha=np.zeros((47, 61), np.uint8)), Region(4, 2, 61, 47, 2)
    top = np.zeros((*region.shape(1), 4), np.float32)
    top[:, 20:40], top[:, 40:] = (200, 40, 90, 255), (100, 20, 45, 127.5)  # premultiplied: the same, half there
    lay(target, region, top, np.ones(region.shape(1), np.float32), Scratch())
    assert target.alpha is not None
    assert [int(target.alpha[20, column]) for column in (10, 30, 55)] == [0, 255, 128]
    assert np.abs(target.planes[0][20, [30, 55]].astype(int) - (200, 40, 90)).max() <= 1
    assert not target.planes[0][20, 10].any()
