from __future__ import annotations

import pytest

from shared.model.effects import Background, FaceCover
from shared.model.errors import Rejected
from shared.model.faces import Layout
from shared.model.looks import EFFECTS, Look
from shared.model.needs import NEEDS, layouts_of, refuse_opaque, refuse_unsupported, unsupported

EVERYTHING = Look(smooth=1, whiten=1, slim_face=1, enlarge_eyes=1)


def test_every_effect_says_which_parts_of_a_face_it_needs() -> None:
    assert tuple(NEEDS) == EFFECTS


def test_what_is_drawn_on_the_frame_or_hides_faces_needs_no_part() -> None:
    look = Look(background=Background(), contrast=0.5, face_blur=1, face_cover=FaceCover())
    assert all(not unsupported(look, layout) for layout in Layout)


def test_the_mesh_carries_every_effect_and_fewer_points_never_carry_more() -> None:
    for effect in EFFECTS:
        layouts = layouts_of(effect)
        assert Layout.MESH in layouts
        assert layouts == tuple(layout for layout in Layout)[: len(layouts)], effect


@pytest.mark.parametrize("layout", [Layout.MESH, Layout.IBUG])
def test_dense_layouts_support_skin_and_shape(layout: Layout) -> None:
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


def test_a_transparent_background_is_refused_where_nobody_could_see_it() -> None:
    look = Look(background=Background(kind="transparent"))
    refuse_opaque(look, keeps_alpha=True)
    refuse_opaque(Look(background=Background()), keeps_alpha=False)
    with pytest.raises(Rejected, match="image/png") as raised:
        refuse_opaque(look, keeps_alpha=False)
    assert raised.value.code == "unsupported-look"
