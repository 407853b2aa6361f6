"""The device that a test of a CUDA form runs on: without a card the emulated one, and on a card that one too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.cuda.card import Card, why_not
from tests.cuda.emulated import WHY_NOT, EmulatedCard

if TYPE_CHECKING:
    from shared.cuda.device import Device

    Kind = type[EmulatedCard] | type[Card]

MISSING = why_not()
"""Why there is no card, if there is none."""
BOTH = [
    pytest.param(EmulatedCard, id="emulated", marks=pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)),
    pytest.param(Card, id="card", marks=[pytest.mark.gpu, pytest.mark.skipif(bool(MISSING), reason=MISSING)]),
]


def opened(kind: Kind) -> Device:
    """The device of a parameter in BOTH."""
    return kind()
