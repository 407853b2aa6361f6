"""Tables in RGB on 4:2:0 frames, looked up colour by colour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from services.render.grading import Grading
from services.render.recipe import Recipe
from services.render.region import Scratch
from shared.model.effects import Grade
from shared.model.looks import Look
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat

if TYPE_CHECKING:
    from collections.abc import Callable

ASSET = "0" * 32
LOOKS = [
    Look(grade=Grade(asset=ASSET)),
    Look(brightness=0.3, contrast=-0.4, saturation=0.5, temperature=-0.5, grade=Grade(asset=ASSET, amount=0.7)),
]


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("size", [(256, 192), (131, 77), (1, 1), (3, 2)])
def test_frames_come_out_as_the_definition_says_to_half_a_level(
    look: Look, size: tuple[int, int], video_of: Callable[..., Picture], colourist: Any
) -> None:
    picture = video_of(*size)
    luma, *chroma = colourist.errors(picture, look)
    assert luma.max() <= 0.501
    assert all(errors.max() < 1.1 for errors in chroma)  # the mean luma of four pixels is rounded first


@pytest.mark.parametrize("look", LOOKS)
def test_real_frames_come_out_as_the_definition_says(look: Look, real: Any, colourist: Any) -> None:
    luma, *chroma = colourist.errors(real.picture, look)
    assert luma.max() <= 0.501
    assert all(np.percentile(errors, 99) < 0.7 for errors in chroma)


def test_a_colour_is_worked_out_once_however_many_frames_have_it(real: Any, colourist: Any) -> None:
    grading, scratch, asked = _watched(colourist), Scratch(), []
    developed = grading._recipe.developed
    object.__setattr__(
        grading._recipe, "developed", lambda yuv, matrix: (asked.append(len(yuv)), developed(yuv, matrix))[1]
    )
    for _ in range(3):
        grading.draw(real.copy(), scratch)
    pairs = np.stack([plane.ravel() for plane in real.picture.planes[1:]], axis=1)
    assert sum(asked) == 256 * len(np.unique(pairs, axis=0))


def test_colours_that_come_later_are_found_beside_the_first_ones(colourist: Any) -> None:
    rng = np.random.default_rng(8)
    first, second = (_noise(rng, low, high) for low, high in ((16, 120), (90, 240)))
    grading, scratch = _watched(colourist), Scratch()
    for picture in (first, second, first):
        target = Picture.blank(picture.geometry, picture.colour)
        picture.copy_to(target)
        grading.draw(target, scratch)
        fresh = colourist.drawn(picture, LOOKS[0])
        assert all(np.array_equal(*planes) for planes in zip(target.planes, fresh.planes, strict=True))


def test_every_pair_of_chroma_that_there_is_has_room(colourist: Any) -> None:
    picture = Picture.blank(Geometry(PixelFormat.I420, 512, 512), Colour())
    picture.planes[0][...] = 120
    picture.planes[1][...], picture.planes[2][...] = np.mgrid[:256, :256]
    assert all(errors.max() < 1.1 for errors in colourist.errors(picture, LOOKS[0]))


def _watched(colourist: Any) -> Grading:
    return Grading(Recipe.of(LOOKS[0], colourist.assets), Colour())


def _noise(rng: np.random.Generator, low: int, high: int) -> Picture:
    picture = Picture.blank(Geometry(PixelFormat.I420, 90, 70), Colour())
    for plane in picture.planes:
        plane[...] = rng.integers(low, high, plane.shape)
    return picture
