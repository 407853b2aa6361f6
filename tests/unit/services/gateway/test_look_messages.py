"""Looks of the RPC contract."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.json_format import ParseDict

from services.gateway.look_messages import look_of_message
from shared.model.effects import Background, Lipstick, Sticker
from shared.model.errors import Rejected
from shared.model.look_text import MAX_LOOK_BYTES, look_of_members
from shared.model.looks import Look
from shared.model.own_effects import EffectOffer, ParameterOffer
from shared.model.presets import PRESETS
from visavis.v1 import looks_pb2

ASSET = "0" * 32
GLOW = EffectOffer(
    "glow",
    "Glows.",
    (ParameterOffer("amount", "How much.", "number", 0.5), ParameterOffer("all_over", "Hair too.", "flag", False)),
)


def refused(message: looks_pb2.Look) -> str:
    with pytest.raises(Rejected) as raised:
        look_of_message(message, [GLOW])
    assert raised.value.code == "invalid-look"
    return raised.value.detail


@pytest.mark.parametrize("look", PRESETS.values(), ids=PRESETS)
def test_the_json_of_a_look_is_the_json_of_the_message(look: Look) -> None:
    assert look_of_message(ParseDict(look.document(), looks_pb2.Look())) == look


def test_what_is_left_out_has_the_defaults_of_the_definition() -> None:
    message = looks_pb2.Look(lipstick={}, background={}, stickers=[looks_pb2.Sticker(asset=ASSET)])
    look = Look(lipstick=Lipstick(), background=Background(), stickers=(Sticker(asset=ASSET),))
    assert look_of_message(message) == look


def test_nothing_is_taken_for_a_default_that_was_said() -> None:
    message = looks_pb2.Look(lipstick=looks_pb2.Lipstick(amount=0.0))
    assert look_of_message(message) == Look(lipstick=Lipstick(amount=0.0))
    assert "`$.lipstick.color` must be" in refused(looks_pb2.Look(lipstick=looks_pb2.Lipstick(color="")))


@pytest.mark.parametrize("faces", ["all", "largest", [1, 7]])
def test_faces_are_chosen_as_in_json(faces: Any) -> None:
    message = ParseDict({"faces": faces}, looks_pb2.Look())
    assert look_of_message(message) == look_of_members({"faces": faces})


def test_effects_of_others_own_are_a_struct_by_name() -> None:
    message = looks_pb2.Look(smooth=0.5, own={"glow": {"amount": 1, "all_over": True}})
    assert look_of_message(message, [GLOW]) == Look(smooth=0.5, own={"glow": {"amount": 1.0, "all_over": True}})
    assert look_of_message(looks_pb2.Look(own={"glow": 0.25}), [GLOW]).own["glow"]["amount"] == 0.25


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (looks_pb2.Look(smooth=7), "`$.smooth` must be a number from 0 to 1."),
        (looks_pb2.Look(smooth=float("nan")), "`$.smooth` must be a number"),
        (looks_pb2.Look(smile=float("-inf")), "`$.smile` must be a number"),
        (looks_pb2.Look(texture={}), "`$.texture.asset` is missing"),
        (looks_pb2.Look(stickers=[{"asset": ASSET}, {"asset": ASSET, "size": 9}]), "`$.stickers[1].size` must be"),
        (looks_pb2.Look(stickers=[{"asset": ASSET}] * 9), "`$.stickers` must be a list of at most 8"),
        (looks_pb2.Look(background={"kind": "picture"}), "needs an `asset`"),
        (looks_pb2.Look(own={"glow": {"amount": 2}}), "`$.glow.amount` must be"),
        (looks_pb2.Look(own={"glow": {"amount": float("nan")}}), "NaN"),
        (looks_pb2.Look(own={"glwo": {}}), "there is no `$.glwo`. Did you mean glow?"),
        (looks_pb2.Look(own={"smooth": 1}), "`$.own.smooth` has a field of its own, `$.smooth`"),
        (ParseDict({"faces": [0.5]}, looks_pb2.Look()), "`$.faces[0]` must be a whole number"),
        (ParseDict({"faces": "some"}, looks_pb2.Look()), "`$.faces` must be one of"),
    ],
)
def test_what_is_wrong_is_said_with_its_path(message: looks_pb2.Look, words: str) -> None:
    assert words in refused(message)


def test_a_message_of_too_many_bytes_is_refused_with_the_limits_name() -> None:
    assert "(MAX_LOOK_BYTES)" in refused(looks_pb2.Look(own={"glow": "x" * MAX_LOOK_BYTES}))
