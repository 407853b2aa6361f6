from __future__ import annotations

from typing import Any

import pytest

from shared.model.faces import Layout
from shared.model.parts import Part

BOTH = pytest.mark.parametrize("layout", [Layout.MESH, Layout.IBUG])


@BOTH
@pytest.mark.parametrize("value", [1.0, -1.0])
def test_the_hairline_moves_up_or_down_and_the_eyes_stay(value: float, layout: Layout, moved: Any) -> None:
    assert -value * moved("forehead", value, Part.HAIRLINE, layout)[2, 1] > 0.03
    assert abs(moved("forehead", value, Part.RIGHT_EYE_CENTRE, layout)).max() < 0.01
