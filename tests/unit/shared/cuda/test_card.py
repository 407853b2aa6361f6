"""A real card, or why there is none."""

from __future__ import annotations

import pytest

from shared.cuda.card import Card, bus_address, count, why_not
from shared.model.errors import Misconfigured
from tests.cuda.devices import MISSING


@pytest.mark.skipif(not MISSING, reason="there is a card")
def test_without_a_card_the_reason_is_told() -> None:
    with pytest.raises(Misconfigured, match="card 0 cannot be used: "):
        Card()
    assert count() == 0


@pytest.mark.gpu
@pytest.mark.skipif(bool(MISSING), reason=MISSING)
def test_with_a_card_there_is_no_reason() -> None:
    assert why_not() == ""
    assert Card().number == 0
    assert count() > 0
    assert Card().bus_address.count(":") == 2
    assert bus_address() == Card().bus_address
    assert "GiB, CUDA " in Card().description
