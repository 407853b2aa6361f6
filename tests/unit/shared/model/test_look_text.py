from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.effects import Lipstick, Sticker
from shared.model.errors import Rejected
from shared.model.look_text import MAX_LOOK_BYTES, look_of_members, parse_look
from shared.model.looks import MOST_OWN, Look
from shared.model.own_effects import EffectOffer, ParameterOffer
from shared.model.presets import PRESETS

ASSET = "0" * 32
GLOW = EffectOffer("glow", "Glows.", (ParameterOffer("amount", "How much.", "number", 0.5),))


def refused(text: str | bytes, offers: tuple[EffectOffer, ...] = ()) -> str:
    with pytest.raises(Rejected) as raised:
        parse_look(text, offers)
    assert raised.value.code == "invalid-look"
    raised.value.detail.encode()  # it can be sent
    return raised.value.detail


def test_a_preset_is_found_by_its_name() -> None:
    assert parse_look(" glamour\n") == PRESETS["glamour"]


def test_an_object_names_the_effects_it_wants() -> None:
    assert parse_look(b' {"smooth": 0.5, "slim_face": 1}\n') == Look(smooth=0.5, slim_face=1.0)


def test_an_object_without_members_draws_nothing_and_an_effect_without_members_by_its_defaults() -> None:
    assert parse_look("{}") == Look()
    assert parse_look('{"lipstick": {}, "stickers": [], "blush": null}') == Look(lipstick=Lipstick())


def test_faces_are_chosen_by_word_or_by_track() -> None:
    assert parse_look('{"faces": "largest"}').faces == "largest"
    assert parse_look('{"faces": [1, 2.0]}').faces == (1, 2)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"smooth": 7}', "`$.smooth` must be a number from 0 to 1."),
        ('{"whiten": -0.1}', "`$.whiten` must be a number from 0 to 1."),
        ('{"smile": -1.5}', "`$.smile` must be a number from -1 to 1."),
        ('{"smooth": "much"}', "`$.smooth` must be a number"),
        ('{"smooth": null}', "`$.smooth` must be a number"),
        ('{"smooth": true}', "`$.smooth` must be a number"),
        ('{"smooth": NaN}', "`$.smooth` must be a number"),
        ('{"smooth": -Infinity}', "`$.smooth` must be a number"),
        ('{"smooth": 1e999}', "`$.smooth` must be a number"),
        (f'{{"smooth": {"1" * 5000}}}', "`$.smooth` must be a number"),
        ('{"lipstick": {"color": "red"}}', "`$.lipstick.color` must be # and six hexadecimal digits such as #b03a48."),
        (
            '{"lipstick": {"color": "#b03a48\\n"}}',
            "`$.lipstick.color` must be # and six hexadecimal digits such as #b03a48.",
        ),
        ('{"lipstick": {"finish": "wet"}}', "`$.lipstick.finish` must be one of: gloss, matte."),
        ('{"lipstick": 0.5}', '`$.lipstick` must be an object such as {"amount": 0.5}.'),
        ('{"texture": {}}', "`$.texture.asset` is missing; it must be an asset's id of 32 hexadecimal digits such as"),
        ('{"background": {"kind": "picture"}}', "`$.background`: a background of kind `picture` needs an `asset`."),
        (f'{{"stickers": [{{"asset": "{ASSET}"}}, {{"asset": "{ASSET}", "size": 5}}]}}', "`$.stickers[1].size` must"),
        ('{"stickers": [3]}', "`$.stickers[0]` must be an object such as"),
        (f'{{"stickers": {json.dumps([{"asset": ASSET}] * 9)}}}', "`$.stickers` must be a list of at most 8."),
        ('{"faces": "some"}', "`$.faces` must be one of: all, largest, or a list of numbers."),
        ('{"faces": [0]}', "`$.faces[0]` must be a whole number from 1."),
        (f'{{"faces": [{2**70}]}}', "`$.faces[0]` must be a whole number from 1."),
    ],
)
def test_what_is_wrong_is_said_with_its_path(text: str, sentence: str) -> None:
    assert refused(text).startswith(f"The look is not valid: {sentence}")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"slimface": 1}', "there is no `$.slimface`. Did you mean slim_face?"),
        ('{"lipstick": {"ammount": 1}}', "there is no `$.lipstick.ammount`. Did you mean amount?"),
        ('{"sparkle": 1}', "there is no `$.sparkle`. There are: smooth, even_tone,"),
        ('{"a b": 1}', "there is no `$['a b']`."),
        ('{"own": {}}', "there is no `$.own`. Effects of your own stand beside the others"),
    ],
)
def test_a_name_that_is_none_is_said_with_the_one_that_was_meant(text: str, sentence: str) -> None:
    assert sentence in refused(text)


def test_what_stands_there_twice_is_refused() -> None:
    assert "`$.smooth` stands there twice" in refused('{"smooth": 0.1, "smooth": 0.2}')
    assert "`$.lipstick.amount` stands there twice" in refused('{"lipstick": {"amount": 0.1, "amount": 0.2}}')
    assert "`$.stickers[0].x` stands there twice" in refused('{"stickers": [{"x": 0, "x": 0}]}')


@pytest.mark.parametrize(
    "text", ['{"smooth": 0.5', "{", "{]", b'{"smooth": 0.5, "\xff": 1}', '{"\\ud800": 1}', "{} {}"]
)
def test_what_is_no_json_is_refused(text: str | bytes) -> None:
    assert "it is no JSON" in refused(text)


def test_what_is_nested_deeply_is_refused() -> None:
    assert "nested too deeply" in refused('{"lipstick": ' + "[" * 4000 + "]" * 4000 + "}")


def test_a_look_of_too_many_bytes_is_refused_with_the_limits_name() -> None:
    text = '{"smooth": 0.5}'
    assert parse_look(text.ljust(MAX_LOOK_BYTES)) == Look(smooth=0.5)
    assert "8192 (MAX_LOOK_BYTES)" in refused(text.ljust(MAX_LOOK_BYTES + 1))


def test_the_fullest_look_is_small_enough() -> None:
    sticker = Sticker(asset=ASSET, x=-1.2345678901, y=-1.2345678901, size=3.2345678901, turn=-123.45678901)
    look = Look(stickers=(sticker,) * 8)
    others = sum(len(json.dumps(preset.document())) for preset in PRESETS.values())
    assert len(json.dumps(look.document())) + others < MAX_LOOK_BYTES


@pytest.mark.parametrize("text", ["handsome", "null", "[1]", "0.5", "\x00\xff", b"\xff\xfe{"])
def test_what_is_neither_name_nor_object_is_told_both(text: str | bytes) -> None:
    said = refused(text)
    assert "there are: none, natural, default," in said
    assert '{"smooth": 0.5}' in said


def test_the_preset_that_was_meant_is_named() -> None:
    assert "Did you mean glamour?" in refused("glamor")
    assert "Did you mean natural?" in refused('"natural"')


def test_an_empty_text_is_told_the_names() -> None:
    assert "natural" in refused(" ")


def test_a_wrong_name_is_repeated_only_in_part() -> None:
    assert len(refused("x" * 8000)) < 250
    assert "x" * 41 not in refused(json.dumps({"x" * 8000: 1}))


def test_effects_of_others_own_stand_beside_the_others() -> None:
    look = parse_look('{"smooth": 0.5, "glow": {"amount": 0.25}}', [GLOW])
    assert look == Look(smooth=0.5, own={"glow": {"amount": 0.25}})
    assert parse_look('{"glow": 1}', [GLOW]).own == {"glow": {"amount": 1.0}}
    assert look_of_members(look.document(), [GLOW]) == look


def test_what_is_wrong_with_them_is_said_as_of_the_others() -> None:
    assert "`$.glow.amount` must be a number from 0 to 1" in refused('{"glow": {"amount": 2}}', (GLOW,))
    assert "there is no `$.glow.amuont`. Did you mean amount?" in refused('{"glow": {"amuont": 1}}', (GLOW,))
    assert "Did you mean glow?" in refused('{"glwo": 1}', (GLOW,))
    assert "there is no `$.glow`" in refused('{"glow": 1}')


def test_there_is_a_most_of_them() -> None:
    offers = tuple(EffectOffer(f"glow{number}", "Glows.", GLOW.parameters) for number in range(MOST_OWN + 1))
    members = {offer.name: 1 for offer in offers}
    assert f"more than {MOST_OWN}" in refused(json.dumps(members), offers)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_subnormal=False) | st.integers() | st.text(),
        lambda one: st.lists(one, max_size=3) | st.dictionaries(st.sampled_from([*Look.__struct_fields__, "x"]), one),
        max_leaves=8,
    )
)
def test_whatever_is_sent_is_a_look_or_refused(value: Any) -> None:
    try:
        look = parse_look(json.dumps(value))
    except Rejected as rejected:
        rejected.detail.encode()  # it can be sent
    else:
        assert look_of_members(look.document()) == look
