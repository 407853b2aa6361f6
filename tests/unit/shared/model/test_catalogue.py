from __future__ import annotations

import pytest

from shared.model.catalogue import Parameter, catalogue, parameters_at
from shared.model.looks import Look
from shared.model.own_effects import EffectOffer, ParameterOffer

GLOW = EffectOffer("glow", "Glows.", (ParameterOffer("amount", "How much.", "number", 0.5),))


def test_it_has_every_field_in_order_and_effects_of_others_own_last() -> None:
    names = [one.name for one in catalogue([GLOW])]
    assert names == [*(name for name in Look.__struct_fields__ if name != "own"), "glow"]


@pytest.mark.parametrize("one", [part for one in catalogue() for part in (one, *one.parts)], ids=lambda one: one.name)
def test_every_parameter_says_what_it_is_and_what_it_takes(one: Parameter) -> None:
    assert one.sentence.endswith(".")
    assert one.takes
    assert one.kind in {"number", "string", "boolean", "object", "array", "any"}
    assert bool(one.parts) == bool(one.title) == (one.kind in {"object", "array"})


@pytest.mark.parametrize(
    ("path", "names", "takes"),
    [
        ("$.smile", ["smile"], "a number from -1 to 1"),
        ("$.lipstick.finish", ["lipstick", "finish"], "one of: gloss, matte"),
        ("$.stickers[3].size", ["stickers", "size"], "a number above 0 to 4"),
        ("$.stickers", ["stickers"], "a list of at most 8"),
        ("$.faces", ["faces"], "one of: all, largest, or a list of numbers"),
        ("$.glow.amount", ["glow", "amount"], "a number from 0 to 1"),
    ],
)
def test_a_path_leads_to_its_parameters(path: str, names: list[str], takes: str) -> None:
    found = parameters_at(path, [GLOW])
    assert [one.name for one in found] == names
    assert found[-1].takes == takes


@pytest.mark.parametrize("path", ["$", "", "$.sparkle", "$.lipstick.sparkle", "$.smooth.amount"])
def test_a_path_to_nothing_leads_nowhere(path: str) -> None:
    assert parameters_at(path) == ()
