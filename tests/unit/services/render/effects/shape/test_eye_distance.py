from __future__ import annotations

from typing import Any

import pytest

from shared.model.faces import Layout
from shared.model.parts import Part

BOTH = pytest.mark.parametrize("layout", [Layout.MESH, Layout.IBUG])


@BOTH
@pytest.mark.parametrize("value", [1.0, -1.0])
def test_the_eyes_move_apart_or_together(value: float, layout: Layout, moved: Any) -> None:
    (right,), (left,) = (
        moved("eye_distance", value, eye, layout) for eye in (Part.RIGHT_EYE_CENTRE, Part.LEFT_EYE_CENTRE)
    )
    assert right[0] * -value == pytest.approx(0.04, abs=0.005)
    assert left[0] * value == pytest.approx(0.04, abs=0.005)


def test_the_nose_stays(moved: Any) -> None:
    assert abs(moved("eye_distance", 1.0, Part.NOSE_TIP)).max() < 0.005
