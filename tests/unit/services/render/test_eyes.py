from __future__ import annotations

from services.render.eyes import EYES
from shared.model.parts import Part


def test_each_eye_has_the_parts_of_its_own_side() -> None:
    for side, eye in zip(("right", "left"), EYES, strict=True):
        assert all(part.startswith(f"{side}-") for part in eye)
    assert EYES[0].ring is Part.RIGHT_EYE
    assert EYES[1].brow is Part.LEFT_BROW
