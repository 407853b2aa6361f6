from __future__ import annotations

import numpy as np
import pytest

from services.render.effects.frame.brightness import brightness

LUMA = np.linspace(0, 1, 101, dtype=np.float32)


@pytest.mark.parametrize("value", [-1.0, -0.4, 0.3, 1.0])
def test_black_and_white_stay_and_nothing_changes_places(value: float) -> None:
    bent = brightness(LUMA, value)
    assert bent[[0, -1]] == pytest.approx((0, 1))
    assert (np.diff(bent) > 0).all()


def test_more_is_brighter_and_less_is_darker() -> None:
    middles = [float(brightness(LUMA, value)[50]) for value in (-1, -0.5, 0, 0.5, 1)]
    assert middles == sorted(middles)
    assert (middles[0], middles[2], middles[-1]) == pytest.approx((1 / 3.2, 0.5, 2.2 / 3.2))


def test_what_is_brightened_can_be_darkened_again() -> None:
    assert np.allclose(brightness(brightness(LUMA, 0.7), -0.7), LUMA, atol=1e-6)
