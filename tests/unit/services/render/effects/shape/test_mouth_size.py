from __future__ import annotations

from typing import Any

import pytest

from shared.model.faces import Layout
from shared.model.parts import Part

BOTH = pytest.mark.parametrize("layout", [Layout.MESH, Layout.IBUG])


@BOTH
@pytest.mark.parametrize("value", [1.0, -1.0])
def test_the_corners_of_the_mouth_move_apart_or_together(value: float, layout: Layout, moved: Any) -> None:
    corners = moved("mouth_size", value, Part.MOUTH_CORNERS, layout)
    assert corners[0, 0] * -value > 0.01
    assert corners[1, 0] * value > 0.01


def test_the_bridge_of_the_nose_and_the_chin_hardly_move(moved: Any) -> None:
    assert abs(moved("mouth_size", 1.0, Part.CHIN)).max() < 0.03
    assert abs(moved("mouth_size", 1.0, Part.NOSE_RIDGE)[:2]).max() < 0.03
