from __future__ import annotations

from typing import Any

import pytest

from shared.model.faces import Layout
from shared.model.parts import Part

BOTH = pytest.mark.parametrize("layout", [Layout.MESH, Layout.IBUG])


@BOTH
def test_the_lower_jaw_tapers_and_the_upper_stays(layout: Layout, moved: Any) -> None:
    right = moved("v_chin", 1.0, Part.RIGHT_JAW, layout)[:, 0]
    assert right[5] > 0.02
    assert right[0] < 0.3 * right[5]


def test_the_tip_of_the_chin_stays(moved: Any) -> None:
    assert abs(moved("v_chin", 1.0, Part.CHIN)[0, 0]) < 0.01
