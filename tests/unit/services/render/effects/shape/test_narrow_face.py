from __future__ import annotations

from typing import Any

import pytest

from shared.model.faces import Layout
from shared.model.parts import Part

BOTH = pytest.mark.parametrize("layout", [Layout.MESH, Layout.IBUG])


@BOTH
def test_temples_cheekbones_and_jaw_move_inwards(layout: Layout, moved: Any) -> None:
    for part in (Part.TEMPLES, Part.CHEEKBONES):
        right, left = moved("narrow_face", 1.0, part, layout)
        assert right[0] > 0.015
        assert left[0] < -0.015
    assert (moved("narrow_face", 1.0, Part.RIGHT_JAW, layout)[:6, 0] > 0.015).all()


def test_the_middle_of_the_face_stays(moved: Any) -> None:
    assert abs(moved("narrow_face", 1.0, Part.NOSE_RIDGE)[:, 0]).max() < 0.01
