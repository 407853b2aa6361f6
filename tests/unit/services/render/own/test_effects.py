"""The effects that a worker has, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from shared.model.errors import Rejected
from shared.model.faces import Layout
from shared.model.look_text import parse_look
from shared.model.looks import Look


def test_colours_come_as_numbers_and_what_is_left_out_as_its_default(owned: Any, paint: Any) -> None:
    arguments = owned(paint).by_name["paint"].arguments({"color": "#ff8000"})
    assert arguments["amount"] == 0.5
    assert arguments["color"].dtype == np.float32
    assert arguments["color"].tolist() == [255, 128, 0]


def test_an_effect_whose_amount_is_0_is_not_drawn(owned: Any, paint: Any) -> None:
    own = owned(paint).by_name["paint"]
    assert [own.draws({"amount": amount}) for amount in (0.0, 0.1)] == [False, True]


def test_an_effect_that_is_not_here_is_refused_with_those_that_are(owned: Any, paint: Any) -> None:
    with pytest.raises(Rejected, match="no effect 'glow' of your own; it has: paint") as raised:
        owned(paint).refuse_unknown(Look(own={"glow": {}}))
    assert raised.value.code == "invalid-look"


def test_an_effect_that_is_another_here_is_refused(owned: Any, paint: Any) -> None:
    effects = owned(paint)
    effects.refuse_unknown(parse_look('{"paint": 0.3}', effects.offers))
    for values, said in (({"size": 1.0}, "size"), ({"amount": 7.0}, r"\$\.paint\.amount")):
        with pytest.raises(Rejected, match=said) as raised:
            effects.refuse_unknown(Look(own={"paint": values}))
        assert raised.value.code == "invalid-look"


def test_a_layout_that_an_effect_is_not_made_for_is_refused(owned: Any, paint: Any) -> None:
    look = Look(own={"paint": {}})
    owned(paint).refuse_unsupported(look, Layout.IBUG)
    with pytest.raises(Rejected, match=r"paint cannot be drawn on faces of 5 points: .* of 468 or 68 points") as raised:
        owned(paint).refuse_unsupported(look, Layout.FIVE)
    assert raised.value.code == "unsupported-look"
