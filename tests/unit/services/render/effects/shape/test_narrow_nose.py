from __future__ import annotations

from typing import Any

import pytest

from shared.model.faces import Layout
from shared.model.parts import Part

BOTH = pytest.mark.parametrize("layout", [Layout.MESH, Layout.IBUG])


@BOTH
def test_the_wings_move_together(layout: Layout, moved: Any) -> None:
    right, left = moved("narrow_nose", 1.0, Part.NOSE_WINGS, layout)
    assert right[0] > 0.01
    assert left[0] < -0.01


def test_the_ridge_and_the_mouth_stay(moved: Any) -> None:
    assert abs(moved("narrow_nose", 1.0, Part.NOSE_RIDGE)).max() < 0.016
    assert abs(moved("narrow_nose", 1.0, Part.MOUTH_CORNERS)).max() < 0.005
