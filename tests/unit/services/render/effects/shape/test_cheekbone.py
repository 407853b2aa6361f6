from __future__ import annotations

from typing import Any

import pytest

from shared.model.faces import Layout
from shared.model.parts import Part

BOTH = pytest.mark.parametrize("layout", [Layout.MESH, Layout.IBUG])


@BOTH
def test_both_cheekbones_move_inwards(layout: Layout, moved: Any) -> None:
    right, left = moved("cheekbone", 1.0, Part.CHEEKBONES, layout)
    assert right[0] > 0.03
    assert left[0] < -0.03


def test_the_chin_stays(moved: Any) -> None:
    assert abs(moved("cheekbone", 1.0, Part.CHIN)).max() < 0.001
