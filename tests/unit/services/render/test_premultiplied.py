from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

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
