from __future__ import annotations

from typing import Any

import pytest

from shared.model.faces import Layout
from shared.model.parts import Part

BOTH = pytest.mark.parametrize("layout", [Layout.MESH, Layout.IBUG])


@BOTH
def test_the_corners_of_the_jaw_move_more_than_cheek_and_chin(layout: Layout, moved: Any) -> None:
    right = moved("jaw", 1.0, Part.RIGHT_JAW, layout)[:, 0]
    assert right[3] > 0.03
    assert right[8] < 0.3 * right[3]
    assert right[0] < right[3]
