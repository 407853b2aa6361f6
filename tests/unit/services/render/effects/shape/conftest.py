"""How far a shape effect moves parts of a face."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from services.render.effects import SHAPE_EFFECTS
from services.render.shape import FaceShape
from shared.model.faces import Face, Layout

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.model.parts import Part

    Moved = Callable[..., np.ndarray]


@pytest.fixture
def moved(mesh: np.ndarray, layouts: dict[Layout, Face]) -> Moved:
    """Called with an effect, its value and a part: [n, 2] across to the left and down, in face scales."""

    def ask(effect: str, value: float, part: Part, layout: Layout = Layout.MESH) -> np.ndarray:
        shape = FaceShape.of(layouts[layout])
        assert shape is not None
        moves = -SHAPE_EFFECTS[effect](shape, value).field(shape.part(part)) / shape.scale_px
        return np.stack([moves @ shape.across, moves @ shape.down], axis=1)

    return ask
