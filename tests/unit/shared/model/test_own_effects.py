from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shared.model.look_schema import look_schema
from shared.model.own_effects import EffectOffer, ParameterOffer, is_name
from shared.transport import wire

GLOW = EffectOffer(
    "glow",
    "Lets the face glow.",
    (
        ParameterOffer("amount", "How much of it.", "number", 0.5),
        ParameterOffer("shift", "To the side.", "number", 0.0, low=-2.0, high=2.0),
        ParameterOffer("color", "Of the light.", "color", "#ffeecc"),
        ParameterOffer("mode", "How.", "choice", "soft", choices=("soft", "hard")),
        ParameterOffer("all_over", "Hair too.", "flag", default=False),
    ),
)
DEFAULTS = {"amount": 0.5, "shift": 0.0, "color": "#ffeecc", "mode": "soft", "all_over": False}


@pytest.mark.parametrize(
    ("json", "changed"),
    [
        (b"{}", {}),
        (b"0.25", {"amount": 0.25}),
        (b'{"shift": -2, "all_over": true, "mode": "hard"}', {"shift": -2.0, "all_over": True, "mode": "hard"}),
    ],
)
def test_what_is_left_out_is_the_default(json: bytes, changed: dict[str, Any]) -> None:
    assert GLOW.checked(json) == DEFAULTS | changed


@pytest.mark.parametrize(
    ("json", "path"),
    [
        (b"7", "`$.glow.amount`"),
        (b'"much"', "`$.glow.amount`"),
        (b"[]", "`$.glow.amount`"),
        (b'{"shift": -3}', "`$.glow.shift`"),
        (b'{"color": "red"}', "`$.glow.color`"),
        (b'{"mode": "loud"}', "`$.glow.mode`"),
        (b'{"all_over": 1}', "`$.glow.all_over`"),
        (b'{"sparkle": 1}', "`$.glow`"),
    ],
)
def test_what_is_wrong_is_said_with_its_path(json: bytes, path: str) -> None:
    with pytest.raises(msgspec.ValidationError) as raised:
        GLOW.checked(json)
    assert str(raised.value).endswith(f" - at {path}")


def test_the_schema_has_every_range_default_and_sentence() -> None:
    whole = GLOW.schema()
    schema, amount = whole["anyOf"]
    assert whole["description"] == "Lets the face glow."
    assert (amount["type"], amount["minimum"], amount["maximum"]) == ("number", 0, 1)
    assert {name: one["default"] for name, one in schema["properties"].items()} == DEFAULTS
    assert all(one["description"].endswith(".") for one in schema["properties"].values())
    assert (schema["properties"]["shift"]["minimum"], schema["properties"]["shift"]["maximum"]) == (-2, 2)
    assert sorted(schema["properties"]["mode"]["enum"]) == ["hard", "soft"]


def test_an_offer_travels_whole() -> None:
    assert wire.decode(wire.encode(GLOW), wire.decoder(EffectOffer)) == GLOW


def test_the_schema_of_looks_has_it_beside_the_others() -> None:
    assert look_schema([GLOW])["properties"]["glow"] == GLOW.schema()


def test_an_effect_without_an_amount_takes_no_number() -> None:
    plain = msgspec.structs.replace(GLOW, parameters=GLOW.parameters[1:])
    assert plain.schema()["type"] == "object"
    with pytest.raises(msgspec.ValidationError, match="amount"):
        plain.checked(b"0.5")


def test_a_name_is_small_letters_digits_and_lines_below() -> None:
    assert is_name("warm_2")
    assert not any(map(is_name, ("", "a", "Warm", "2warm", "warm-er", "warm\n", "w" * 41)))
