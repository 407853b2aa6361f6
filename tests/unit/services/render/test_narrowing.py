from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from services.render.narrowing import narrowed, narrowed_jaw
from services.render.shape import FaceShape
from shared.model.faces import Face, Layout
from shared.model.parts import Part

if TYPE_CHECKING:
    from services.render.bumps import Bumps

ALIKE = (1.0,) * 9


@pytest.fixture
def shape(layouts: dict[Layout, Face]) -> FaceShape:
    found = FaceShape.of(layouts[Layout.MESH])
    assert found is not None
    return found


def moved(bumps: Bumps, points: np.ndarray) -> np.ndarray:
    """[n]: how far to the left side of the face."""
    return -bumps.field(points)[:, 0]


def test_the_sides_of_the_jaw_move_towards_each_other_and_apart_again(shape: FaceShape) -> None:
    sides = shape.part(Part.RIGHT_JAW)[1:5], shape.part(Part.LEFT_JAW)[1:5]
    for amount in (0.2, -0.2):
        bumps = narrowed_jaw(shape, amount, profile=ALIKE, radius=0.3)
        assert (moved(bumps, sides[0]) * amount > 0).all()
        assert (moved(bumps, sides[1]) * amount < 0).all()


def test_where_the_profile_is_nothing_nothing_is_pulled(shape: FaceShape) -> None:
    bumps = narrowed_jaw(shape, 0.2, profile=(1.0, *(0.0,) * 8), radius=0.1)
    right = moved(bumps, shape.part(Part.RIGHT_JAW))
    assert right[0] > 1
    assert not right[-3:].any()


def test_a_pull_ends_at_its_radius_in_scales_of_the_face(shape: FaceShape) -> None:
    right, left = (side + np.array([(0, -1), (0, 0)], np.float32) for side in shape.part(Part.CHEEKBONES))
    bumps = narrowed(shape, (right, left), 0.2, profile=(1, 1), radius=0.1)
    near, far = moved(bumps, right[1] + np.array([(0, 2), (0, 30)], np.float32))
    assert near > 0
    assert far == 0
