from __future__ import annotations

import pytest

from services.render.effects.frame.temperature import temperature


def test_no_change_of_temperature_changes_nothing() -> None:
    assert temperature(0.0) == pytest.approx((1, 1, 1))


@pytest.mark.parametrize(("value", "order"), [(1.0, 1), (0.2, 1), (-0.2, -1), (-1.0, -1)])
def test_a_warmer_light_has_more_red_and_less_blue(value: float, order: int) -> None:
    red, green, blue = (order * gain for gain in temperature(value))
    assert red > green > blue


def test_steps_of_temperature_are_about_as_large_on_both_sides() -> None:
    warm, cold = temperature(0.5), temperature(-0.5)
    assert warm[2] / warm[0] == pytest.approx(cold[0] / cold[2], rel=0.05)


def test_it_is_the_white_of_daylight() -> None:
    """D55 by its published chromaticities, x 0.3324 and y 0.3474, and linear sRGB (IEC 61966-2-1)."""
    xyz = (0.3324 / 0.3474, 1.0, (1 - 0.3324 - 0.3474) / 0.3474)
    red = 3.2406 * xyz[0] - 1.5372 * xyz[1] - 0.4986 * xyz[2]
    blue = 0.0557 * xyz[0] - 0.2040 * xyz[1] + 1.0570 * xyz[2]
    gains = temperature((1e6 / 5503 - 1e6 / 6504) / 55)
    assert gains[0] / gains[2] == pytest.approx((red / blue) ** (1 / 2.2), rel=0.005)
