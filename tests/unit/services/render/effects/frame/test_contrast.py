from __future__ import annotations

import numpy as np
import pytest

from services.render.effects.frame.contrast import SLOPE, contrast

LUMA = np.linspace(0, 1, 1001, dtype=np.float32)


@pytest.mark.parametrize("value", [-1.0, -0.4, 0.3, 1.0])
def test_black_middle_grey_and_white_stay_and_nothing_changes_places(value: float) -> None:
    bent = contrast(LUMA, value)
    assert bent[[0, 500, 1000]] == pytest.approx((0, 0.5, 1), abs=1e-6)
    assert (np.diff(bent) > 0).all()


@pytest.mark.parametrize("value", [-1.0, 0.5, 1.0])
def test_middle_grey_is_as_steep_as_promised_and_without_a_kink(value: float) -> None:
    slopes = np.gradient(contrast(LUMA, value), LUMA)
    assert slopes[500] == pytest.approx(SLOPE**value, rel=0.02)
    assert np.abs(np.diff(slopes)).max() < 0.03


def test_dark_and_light_are_treated_alike() -> None:
    bent = contrast(LUMA, 0.8)
    assert np.allclose(bent, 1 - bent[::-1], atol=1e-6)
