from __future__ import annotations

from typing import Any

import pytest

from shared.model.faces import Layout
from shared.model.parts import Part

BOTH = pytest.mark.parametrize("layout", [Layout.MESH, Layout.IBUG])


@BOTH
def test_the_corners_of_the_mouth_rise_and_part(layout: Layout, moved: Any) -> None:
    right, left = moved("smile", 1.0, Part.MOUTH_CORNERS, layout)
    assert max(right[1], left[1]) < -0.03
    assert right[0] < 0 < left[0]


def test_below_0_they_go_down_and_do_not_part(moved: Any) -> None:
    right, left = moved("smile", -1.0, Part.MOUTH_CORNERS)
    assert min(right[1], left[1]) > 0.03
    assert max(abs(right[0]), abs(left[0])) < 0.005
