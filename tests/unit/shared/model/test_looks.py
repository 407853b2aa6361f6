from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shared.model.effects import Background, Contour, FaceCover, Grade, Lipstick, Sticker, Texture
from shared.model.looks import AMOUNTED, DRAWING_ORDER, EFFECTS, PRIVACY, ROLES, Look, strength_of
from shared.transport import wire

ASSETS = [f"{number:032x}" for number in range(4)]
VISIBLE: dict[str, Any] = {
    "stickers": (Sticker(asset=ASSETS[0]),),
    "texture": Texture(asset=ASSETS[0]),
    "grade": Grade(asset=ASSETS[0]),
    "own": {"glow": {"amount": 1.0}},
}


def visible(name: str) -> Any:
    """A value with which an effect draws something."""
    if name in VISIBLE:
        return VISIBLE[name]
    kind = next(field.type for field in msgspec.structs.fields(Look) if field.name == name)
    return next((part() for part in getattr(kind, "__args__", ()) if hasattr(part, "__struct_fields__")), 0.01)


@pytest.mark.parametrize("name", EFFECTS)
def test_a_look_of_one_effect_draws_that_effect(name: str) -> None:
    look = Look(**{name: visible(name)})
    assert look.drawn == (name,)
    assert not look.invisible


def test_a_look_draws_nothing_without_a_strength() -> None:
    assert Look().invisible
    assert Look(lipstick=Lipstick(amount=0.0), faces="largest").invisible


@pytest.mark.parametrize("name", sorted(set(EFFECTS) - {"stickers", "texture", "grade", "own"}))
def test_one_effect_alone_is_as_strong_as_asked(name: str) -> None:
    assert strength_of(getattr(Look.of(name, 0.4), name)) == 0.4


def test_what_needs_a_picture_of_the_users_has_not_enough_with_an_amount() -> None:
    assert AMOUNTED.keys().isdisjoint({"stickers", "texture", "grade"})


def test_an_effect_below_0_draws_too() -> None:
    assert Look(smile=-0.2).drawn == ("smile",)


def test_a_look_that_hides_faces_says_so_at_any_strength() -> None:
    for look in (Look(face_blur=0.01), Look(face_pixelate=1.0), Look(smooth=1.0, face_cover=FaceCover())):
        assert look.hides_faces
    for look in (Look(smooth=1.0), Look(face_blur=0.0), Look(face_cover=FaceCover(amount=0.0))):
        assert not look.hides_faces
    assert EFFECTS[-len(PRIVACY) :] == PRIVACY


def test_a_contour_of_lights_alone_draws() -> None:
    assert Look(contour=Contour(amount=0.0)).drawn == ("contour",)


def test_the_background_is_drawn_first_and_everything_else_in_the_order_of_the_fields() -> None:
    assert set(DRAWING_ORDER) == set(EFFECTS)
    assert DRAWING_ORDER[0] == "background"
    assert DRAWING_ORDER[1:] == tuple(name for name in Look.__struct_fields__ if name not in {"background", "faces"})


def test_roles_begin_at_fields_in_their_order() -> None:
    assert list(ROLES) == sorted(ROLES, key=Look.__struct_fields__.index)
    assert next(iter(ROLES)) == Look.__struct_fields__[0]


def test_people_must_be_told_for_a_background_and_for_what_is_behind_them() -> None:
    assert Look(background=Background()).needs_people
    assert Look(stickers=(Sticker(asset=ASSETS[0]), Sticker(asset=ASSETS[0], behind=True))).needs_people
    assert not Look(stickers=(Sticker(asset=ASSETS[0]),)).needs_people


def test_assets_are_named_once_each() -> None:
    texture, picture, grade, sticker = ASSETS
    look = Look(
        texture=Texture(asset=texture),
        background=Background(kind="picture", asset=picture),
        grade=Grade(asset=grade),
        stickers=(Sticker(asset=sticker), Sticker(asset=texture)),
    )
    assert look.asset_ids == (texture, picture, grade, sticker)
    assert Look(background=Background()).asset_ids == ()


def test_a_document_says_what_differs_from_the_defaults_and_has_effects_of_ones_own_beside_the_others() -> None:
    look = Look(smooth=0.5, own={"glow": {"amount": 0.5}}, lipstick=Lipstick())
    lipstick = {"amount": 0.5, "color": "#b03a48", "finish": "matte"}
    assert look.document() == {"smooth": 0.5, "lipstick": lipstick, "glow": {"amount": 0.5}}
    assert Look().document() == {}


def test_a_look_travels_whole() -> None:
    look = Look(**{name: visible(name) for name in EFFECTS}, faces=(1, 2**31 - 1))
    assert wire.decode(wire.encode(look), wire.decoder(Look)) == look


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
