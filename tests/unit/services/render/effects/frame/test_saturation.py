from __future__ import annotations

import numpy as np
import pytest

from services.render.effects.frame.saturation import saturation

CHROMA = np.linspace(0, 1, 101, dtype=np.float32)


def test_minus_one_is_grey_and_half_of_it_is_half_the_colour() -> None:
    assert saturation(CHROMA, -1.0) == pytest.approx(np.zeros(101))
    assert saturation(CHROMA, -0.5) == pytest.approx(np.full(101, 0.5))


@pytest.mark.parametrize("value", [0.3, 1.0])
def test_no_colour_leaves_the_range_and_stronger_ones_stay_stronger(value: float) -> None:
    strengthened = CHROMA * saturation(CHROMA, value)
    assert strengthened.max() <= 1 + 1e-6
    assert (np.diff(strengthened) > 0).all()
    assert saturation(CHROMA, value)[0] == pytest.approx(1 + 0.6 * value)
