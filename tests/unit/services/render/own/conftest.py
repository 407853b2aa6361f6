"""Effects as authors write them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from services.render.own.effects import OwnEffect, OwnEffects
from services.render.own.offering import offer_of
from visavis.effects import Color, Effect, FaceView, Number, effect

if TYPE_CHECKING:
    from collections.abc import Callable

    Owned = Callable[..., OwnEffects]


@effect("Paints the skin.", layouts=(468, 68), amount=Number("How much."), color=Color("Of it.", default="#20c040"))
def paint(face: FaceView, amount: float, color: Any) -> None:
    face.mix(color, face.skin * amount)


def owned(*effects: Effect) -> OwnEffects:
    return OwnEffects({one.name: OwnEffect(one, offer_of(one), "a test") for one in effects})


@pytest.fixture(name="owned")
def _owned() -> Owned:
    """Effects that passed the checks of their declarations."""
    return owned


@pytest.fixture(name="paint")
def _paint() -> Effect:
    """An effect that does as it should."""
    return paint
