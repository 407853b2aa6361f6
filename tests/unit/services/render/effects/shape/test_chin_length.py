from __future__ import annotations

from typing import Any

import pytest

from shared.model.faces import Layout
from shared.model.parts import Part

BOTH = pytest.mark.parametrize("layout", [Layout.MESH, Layout.IBUG])


@BOTH
@pytest.mark.parametrize("value", [1.0, -1.0])
def test_the_chin_moves_down_or_up_and_the_lips_stay(value: float, layout: Layout, moved: Any) -> None:
    assert moved("chin_length", value, Part.CHIN, layout)[0, 1] * value == pytest.approx(0.06, abs=0.025)
    assert abs(moved("chin_length", value, Part.MOUTH_CORNERS, layout)).max() < 0.02
