from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from services.render import premultiplied as module
from services.render.premultiplied import premultiplied
from services.render.region import Region
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat

WHOLE = Region(0, 0, 40, 30, 2)


def seen_in_part() -> Picture:
    """Of any colours, from not there on the left to opaque on the right."""
    picture = Picture.blank(Geometry(PixelFormat.RGB24, 40, 30), Colour(full_range=True))
    picture.planes[0][...] = np.random.default_rng(1).integers(0, 256, picture.planes[0].shape)
    ramp = np.clip(np.arange(40) * 10 - 50, 0, 255).astype(np.uint8)
    return replace(picture, alpha=np.repeat(ramp[None], 30, axis=0))


def test_what_nobody_has_changed_stays_bit_by_bit() -> None:
    target, before = seen_in_part(), seen_in_part()
    with premultiplied(target, WHOLE) as (light, alpha):
        light[4, 30], alpha[4, 30] = (10, 20, 30), 255
    assert target.alpha is not None
    assert before.alpha is not None
    changed = (target.planes[0] != before.planes[0]).any(axis=2) | (target.alpha != before.alpha)
    assert np.argwhere(changed).tolist() == [[4, 30]]
    assert target.planes[0][4, 30].tolist() == [10, 20, 30]


def test_a_mean_has_nothing_of_the_colour_of_what_is_not_there() -> None:
    target = seen_in_part()
    assert target.alpha is not None
    target.planes[0][...], target.alpha[...] = (200, 100, 40), 255
    target.planes[0][:, :20], target.alpha[:, :20] = 0, 0
    with premultiplied(target, WHOLE) as (light, alpha):
        light[...] = np.rint(light.mean(axis=(0, 1)))
        alpha[...] = round(alpha.mean())
    assert np.abs(target.planes[0].astype(int) - (200, 100, 40)).max() <= 2
    assert set(np.unique(target.alpha)) == {128}


def test_what_is_to_be_written_anew_is_and_has_no_colour_where_nothing_is_there() -> None:
    target = seen_in_part()
    with premultiplied(target, WHOLE, np.ones((30, 40), np.bool_)):
        pass
    assert target.alpha is not None
    assert not target.planes[0][target.alpha == 0].any()


def test_a_picture_without_alpha_is_none_of_its_business() -> None:
    target = replace(seen_in_part(), alpha=None)
    with pytest.raises(ValueError, match="no alpha"), premultiplied(target, WHOLE):
        pass


def drawn(rows_of_a_band: int, monkeypatch: pytest.MonkeyPatch) -> Picture:
    """An odd size, changed in places of some rows and in all of others, with some to be written anew."""
    monkeypatch.setattr(module, "BAND_ROWS", rows_of_a_band)
    random = np.random.default_rng(2)
    picture = Picture.blank(Geometry(PixelFormat.RGB24, 101, 333), Colour(full_range=True))
    picture.planes[0][...] = random.integers(0, 256, picture.planes[0].shape)
    target = replace(picture, alpha=random.integers(0, 256, (333, 101)).astype(np.uint8))
    anew = np.zeros((333, 101), np.bool_)
    anew[300:, ::3] = True
    with premultiplied(target, Region(0, 0, 101, 333, 2), anew) as (light, alpha):
        light[70:75] = random.integers(0, 256, (5, 101, 3))
        light[190:260, 20:60] //= 2
        alpha[200:330:5] = random.integers(0, 256, (26, 101))
    return target


@pytest.mark.parametrize("rows", [1, 7, 64])
def test_in_bands_it_is_what_it_is_as_a_whole(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    banded, whole = drawn(rows, monkeypatch), drawn(1000, monkeypatch)
    assert banded.alpha is not None
    assert whole.alpha is not None
    np.testing.assert_array_equal(banded.planes[0], whole.planes[0])
    np.testing.assert_array_equal(banded.alpha, whole.alpha)


def test_beside_the_two_planes_no_more_than_some_rows_are_held() -> None:
    pixels = 2048 * 1024
    picture = Picture.blank(Geometry(PixelFormat.RGB24, 1024, 2048), Colour(full_range=True))
    target = replace(picture, alpha=np.full((2048, 1024), 128, np.uint8))
    tracemalloc.start()
    try:
        with premultiplied(target, Region(0, 0, 1024, 2048, 2)) as (light, alpha):
            light[...], alpha[...] = 7, 9
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < 6 * pixels  # the planes are 4; as a whole, what is reckoned with were 23 more
