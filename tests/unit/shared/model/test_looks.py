from __future__ import annotations

import json
from itertools import pairwise

import msgspec
import pytest

from shared.model.effects import Background
from shared.model.errors import Rejected
from shared.model.faces import Layout
from shared.model.look_text import parse_look
from shared.model.looks import Look, look_schema
from shared.model.needs import NEEDS, refuse_opaque, refuse_unsupported, unsupported
from shared.model.presets import PRESETS

EVERYTHING = Look(smooth=1, whiten=1, slim_face=1, enlarge_eyes=1)


def test_a_preset_is_found_by_its_name() -> None:
    assert parse_look(" glamour\n") == PRESETS["glamour"]


def test_an_object_names_the_effects_it_wants() -> None:
    assert parse_look(b' {"smooth": 0.5, "slim_face": 1}') == Look(smooth=0.5, slim_face=1.0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"smooth": 7}', "smooth"),
        ('{"whiten": -0.1}', "whiten"),
        ('{"smooth": "much"}', "smooth"),
        ('{"smooth": NaN}', "malformed"),
        ('{"sparkle": 1}', "sparkle"),
        ('{"smooth": 0.5', "truncated"),
        ("handsome", "natural, default, glamour"),
        ("", "natural"),
        ("\x00\xff", "natural"),
    ],
)
def test_what_is_no_look_is_rejected_with_the_place_of_the_mistake(text: str, words: str) -> None:
    with pytest.raises(Rejected, match=words) as raised:
        parse_look(text)
    assert raised.value.code == "invalid-look"


def test_bytes_that_are_no_text_are_rejected() -> None:
    with pytest.raises(Rejected):
        parse_look(b"\xff\xfe{")
    with pytest.raises(Rejected):
        parse_look(b'{"smooth": 0.5, "\xff": 1}')


def test_a_wrong_name_is_repeated_only_in_part() -> None:
    with pytest.raises(Rejected) as raised:
        parse_look("x" * 100_000)
    assert len(raised.value.detail) < 200


def test_only_a_look_without_any_strength_is_invisible() -> None:
    assert Look().invisible
    assert PRESETS["none"].invisible
    assert not any(Look(**{name: 0.01}).invisible for name in Look.__struct_fields__)


def test_presets_grow_stronger_in_order() -> None:
    strengths = [msgspec.structs.astuple(look) for look in PRESETS.values()]
    for weak, strong in pairwise(strengths):
        assert all(a <= b for a, b in zip(weak, strong, strict=True))


def test_the_schema_gives_every_effect_its_range_default_and_sentence() -> None:
    properties = look_schema()["properties"]
    assert set(properties) == set(Look.__struct_fields__)
    for effect in properties.values():
        assert (effect["minimum"], effect["maximum"], effect["default"]) == (0.0, 1.0, 0.0)
        assert effect["description"].endswith(".")
    assert look_schema()["additionalProperties"] is False
    json.dumps(look_schema())


def test_every_effect_says_which_parts_of_a_face_it_needs() -> None:
    assert set(NEEDS) == set(Look.__struct_fields__)
    assert all(NEEDS.values())


@pytest.mark.parametrize("layout", [Layout.MESH, Layout.IBUG])
def test_dense_layouts_support_every_effect(layout: Layout) -> None:
    assert unsupported(EVERYTHING, layout) == []
    refuse_unsupported(EVERYTHING, layout)


def test_five_points_support_the_eyes_alone() -> None:
    assert unsupported(EVERYTHING, Layout.FIVE) == ["smooth", "whiten", "slim_face"]
    assert unsupported(Look(enlarge_eyes=1.0), Layout.FIVE) == []


def test_what_a_look_does_not_ask_for_is_not_missing() -> None:
    assert unsupported(Look(), Layout.FIVE) == []
    assert unsupported(Look(slim_face=0.1, enlarge_eyes=0.1), Layout.FIVE) == ["slim_face"]


def test_the_refusal_names_effects_parts_and_the_way_out() -> None:
    with pytest.raises(Rejected) as raised:
        refuse_unsupported(Look(slim_face=0.2, smooth=0.2), Layout.FIVE)
    assert raised.value.code == "unsupported-look"
    for word in ("smooth, slim_face", "5 points", "right-jaw", "lips", "468 or 68 points"):
        assert word in raised.value.detail


@pytest.mark.parametrize(
    ("look", "on_frames", "needs_people", "transparent"),
    [
        (Look(smooth=1), False, False, False),
        (Look(temperature=-0.1), True, False, False),
        (Look(background=Background()), True, True, False),
        (Look(background=Background(amount=0)), False, False, False),
        (Look(background=Background(kind="transparent")), True, True, True),
    ],
)
def test_a_look_says_what_it_asks_of_frames(
    look: Look, *, on_frames: bool, needs_people: bool, transparent: bool
) -> None:
    assert (look.on_frames, look.needs_people, look.transparent) == (on_frames, needs_people, transparent)


def test_a_transparent_background_is_refused_where_nobody_could_see_it() -> None:
    look = Look(background=Background(kind="transparent"))
    refuse_opaque(look, keeps_alpha=True)
    refuse_opaque(Look(background=Background()), keeps_alpha=False)
    with pytest.raises(Rejected, match="image/png") as raised:
        refuse_opaque(look, keeps_alpha=False)
    assert raised.value.code == "unsupported-look"
