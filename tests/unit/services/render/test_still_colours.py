"""Colours of RGB pictures against the definition in floating point."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from shared.model.assets import PreparedLut
from shared.model.effects import Grade
from shared.model.looks import Look
from shared.model.pictures import Colour, PixelFormat

GRADED = Grade(asset="0" * 32, amount=0.8)
LOOKS = {
    "brightness": Look(brightness=0.6),
    "contrast": Look(contrast=-0.8),
    "saturation": Look(saturation=0.7),
    "grey": Look(saturation=-1.0),
    "temperature": Look(temperature=0.7),
    "grade": Look(grade=GRADED),
    "all": Look(brightness=0.3, contrast=0.3, saturation=0.3, temperature=-0.4, grade=GRADED),
}


@pytest.mark.parametrize("name", LOOKS)
def test_pictures_come_out_as_the_definition_says(name: str, gradient: Any, colourist: Any) -> None:
    picture = gradient(211, 97, PixelFormat.RGB24, Colour(full_range=True))
    (errors,) = colourist.errors(picture, LOOKS[name])
    assert errors.mean() < 0.5
    assert np.percentile(errors, 99) < 1.6


@pytest.mark.parametrize("name", LOOKS)
def test_a_gradient_does_not_band(name: str, gradient: Any, colourist: Any) -> None:
    picture = gradient(1024, 8, PixelFormat.RGB24, Colour(full_range=True))
    drawn = colourist.drawn(picture, LOOKS[name]).planes[0].astype(int)
    assert np.abs(np.diff(drawn, axis=1)).max() <= 3  # four pixels a level, and no curve is steeper than three


def test_grey_is_grey(gradient: Any, colourist: Any) -> None:
    drawn = colourist.drawn(gradient(211, 97, PixelFormat.RGB24, Colour(full_range=True)), LOOKS["grey"]).planes[0]
    assert np.ptp(drawn.astype(int), axis=-1).max() <= 1


def test_a_table_of_another_domain_is_read_where_it_is(gradient: Any, colourist: Any) -> None:
    lut: PreparedLut = colourist.assets[colourist.ASSET]
    wide = PreparedLut(size=lut.size, body=lut.body, domain_min=(-0.5, 0, 0), domain_max=(1.5, 1, 2))
    colourist.assets[colourist.ASSET] = wide
    (errors,) = colourist.errors(gradient(211, 97, PixelFormat.RGB24, Colour(full_range=True)), LOOKS["grade"])
    assert np.percentile(errors, 99) < 1.0
