from __future__ import annotations

from typing import Any

import pytest

from shared.model.faces import Layout
from shared.model.parts import Part

BOTH = pytest.mark.parametrize("layout", [Layout.MESH, Layout.IBUG])


@BOTH
@pytest.mark.parametrize("value", [1.0, -1.0])
def test_the_tip_moves_down_or_up_and_the_mouth_stays(value: float, layout: Layout, moved: Any) -> None:
    assert value * moved("nose_length", value, Part.NOSE_TIP, layout)[0, 1] > 0.03
    assert abs(moved("nose_length", value, Part.MOUTH_CORNERS, layout)).max() < 0.01
