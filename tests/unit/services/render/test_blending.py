"""Every mode does what painting programs do, on 8 bits and by parts."""

from __future__ import annotations

import typing

import numpy as np
import pytest

from services.render.blending import MODES, blend
from services.render.pyramid import premultiplied
from services.render.region import Scratch
from shared.model.effects import Blend

FORMULAS = {
    "normal": lambda _, s: s,
    "multiply": lambda b, s: b * s,
    "screen": lambda b, s: b + s - b * s,
    "overlay": lambda b, s: np.where(b < 0.5, 2 * b * s, 1 - 2 * (1 - b) * (1 - s)),
    "soft-light": lambda b, s: (1 - 2 * s) * b * b + 2 * s * b,
}


@pytest.fixture
def below() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (40, 30, 3)).astype(np.uint8)


@pytest.fixture
def above() -> np.ndarray:
    return np.random.default_rng(2).integers(0, 256, (40, 30, 4)).astype(np.uint8)


def blended(below: np.ndarray, above: np.ndarray, weight: float, **more: typing.Any) -> np.ndarray:
    pixels = below.copy()
    blend(pixels, premultiplied(above), np.full(below.shape[:2], weight, np.float32), Scratch(), **more)
    return pixels


def test_every_mode_that_a_look_may_name_is_there() -> None:
    assert set(MODES) == set(FORMULAS) == set(typing.get_args(Blend))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("weight", [1.0, 0.4])
def test_a_mode_follows_its_formula(mode: Blend, weight: float, below: np.ndarray, above: np.ndarray) -> None:
    b, s, alpha = below / 255, above[..., :3] / 255, above[..., 3:] / 255 * weight
    expected = 255 * (b + alpha * (FORMULAS[mode](b, s) - b))
    assert np.abs(blended(below, above, weight, mode=mode) - expected).max() < 0.51


@pytest.mark.parametrize("mode", MODES)
def test_nothing_leaves_every_bit(mode: Blend, below: np.ndarray, above: np.ndarray) -> None:
    assert np.array_equal(blended(below, above, 0.0, mode=mode), below)
    above[..., 3] = 0
    assert np.array_equal(blended(below, above, 1.0, mode=mode), below)


@pytest.mark.parametrize("mode", MODES)
def test_more_weight_is_more_change(mode: Blend, below: np.ndarray, above: np.ndarray) -> None:
    changes = [np.abs(blended(below, above, w, mode=mode).astype(int) - below).sum() for w in (0.1, 0.3, 0.6, 1.0)]
    assert changes == sorted(changes)
    assert changes[0] > 0


def test_light_makes_what_is_above_brighter_and_darker_and_not_what_is_below(below: np.ndarray) -> None:
    grey = np.full((40, 30, 4), (100, 100, 100, 255), np.uint8)
    light = np.tile(np.linspace(0.5, 1.5, 30, dtype=np.float32), (40, 1))
    lit = blended(below, grey, 1.0, light=light)
    assert np.abs(lit[0, :, 0] - 100 * light[0]).max() < 0.51
    grey[..., 3] = 0
    assert np.array_equal(blended(below, grey, 1.0, light=light), below)


def test_a_part_of_a_picture_is_changed_in_place(above: np.ndarray) -> None:
    whole = np.zeros((50, 50, 3), np.uint8)
    part = whole[5:45, 10:40]
    blend(part, premultiplied(above), np.ones((40, 30), np.float32), Scratch())
    assert np.array_equal(whole[5:45, 10:40], part)
    assert part.any()
    assert not whole[:5].any()
    assert not whole[:, :10].any()
