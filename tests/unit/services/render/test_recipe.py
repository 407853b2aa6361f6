from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from services.render.recipe import COLOURS, Recipe
from shared.model.colours import unit_rgb_of_yuv
from shared.model.effects import Grade
from shared.model.errors import Rejected
from shared.model.looks import FRAME_EFFECTS, Look
from shared.model.pictures import Matrix

GREYS = np.stack([np.linspace(0, 1, 33), np.zeros(33), np.zeros(33)], axis=1).astype(np.float32)
SKIN = np.array([(0.35, -0.06, 0.09), (0.6, -0.08, 0.11), (0.8, -0.05, 0.07)], np.float32)


def of(**settings: Any) -> Recipe:
    return Recipe.of(Look(**settings), {})


def test_every_colour_setting_of_a_look_goes_into_it() -> None:
    assert set(COLOURS) | {"background"} == FRAME_EFFECTS


@pytest.mark.parametrize("matrix", Matrix)
def test_without_settings_a_colour_stays_what_it_is(matrix: Matrix) -> None:
    assert np.allclose(of().developed(SKIN, matrix), SKIN, atol=1e-6)


@pytest.mark.parametrize("matrix", Matrix)
@pytest.mark.parametrize("value", [-1.0, 1.0])
def test_a_light_leaves_the_luma_of_grey_and_what_it_adds_grows_with_it(matrix: Matrix, value: float) -> None:
    lit = of(temperature=value).developed(GREYS, matrix)
    assert np.allclose(lit[:, 0], GREYS[:, 0], atol=1e-6)
    rgb = lit @ unit_rgb_of_yuv(matrix).T
    assert (np.sign(rgb[1:, 0] - rgb[1:, 2]) == np.sign(value)).all()
    assert np.allclose(rgb[16] * 2, rgb[32], atol=1e-5)


def test_a_light_in_another_matrix_is_the_same_light() -> None:
    rgb = np.array([(0.7, 0.5, 0.4)])
    lit = []
    for matrix in Matrix:
        forth = unit_rgb_of_yuv(matrix)
        yuv = (rgb @ np.linalg.inv(forth).T).astype(np.float32)
        lit.append(of(temperature=0.6).developed(yuv, matrix) @ forth.T)
    ratios = [one[0] / one[0, 1] for one in lit]  # each keeps the luma of grey as its own matrix has it
    assert np.ptp(ratios, axis=0).max() < 0.002


@pytest.mark.parametrize("settings", [{"brightness": 1}, {"brightness": -1}, {"contrast": 1}, {"contrast": -1}])
def test_curves_neither_wash_skin_out_nor_burn_it(settings: dict[str, float]) -> None:
    drawn = of(**settings).developed(SKIN, Matrix.BT601)
    rgb = drawn @ unit_rgb_of_yuv(Matrix.BT601).T
    assert rgb.max() < 1.02
    assert rgb.min() > -0.02
    before, after = (np.ptp(one, axis=1) / one.max(axis=1) for one in (SKIN @ unit_rgb_of_yuv(Matrix.BT601).T, rgb))
    assert (after / before > 0.4).all()
    assert (after / before < 2).all()


def test_luma_beyond_black_and_white_stays_beyond() -> None:
    beyond = np.array((-0.05, 0, 1, 1.05), np.float32)
    assert of(brightness=1, contrast=-1).luma(beyond) == pytest.approx(beyond)


def test_a_table_that_is_missing_or_a_picture_is_refused(colourist: Any, a_picture: Any) -> None:
    look = Look(grade=Grade(asset=colourist.ASSET))
    assert Recipe.of(look, colourist.assets).lut is colourist.assets[colourist.ASSET]
    for assets, code in (({}, "unknown-asset"), ({colourist.ASSET: a_picture}, "invalid-look")):
        with pytest.raises(Rejected) as raised:
            Recipe.of(look, assets)
        assert raised.value.code == code


def test_a_table_of_amount_nothing_is_not_asked_for() -> None:
    assert Recipe.of(Look(grade=Grade(asset="0" * 32, amount=0)), {}).lut is None
