"""What a request may choose, on the wire."""

from __future__ import annotations

import msgspec

from shared.model.offers import ModelChoice, ModelOffer, Role


def test_a_choice_that_names_nothing_is_the_default_and_costs_nothing_on_the_wire() -> None:
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(ModelChoice()), type=ModelChoice) == ModelChoice("", "")
    assert msgspec.msgpack.encode(ModelChoice()) == msgspec.msgpack.encode({})


def test_an_offer_says_what_a_model_does_and_gives() -> None:
    offer = ModelOffer("face-mesh", Role.LANDMARKS, 468, is_default=True)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(offer), type=ModelOffer) == offer
