from __future__ import annotations

import pytest

from shared.model.look_text import look_of_members
from shared.model.looks import Look
from shared.model.presets import PRESETS


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_a_look_that_its_document_gives_back(name: str) -> None:
    """The checker reads it: what is built in Python is not checked by msgspec."""
    assert look_of_members(PRESETS[name].document()) == PRESETS[name]


def test_none_draws_nothing_and_all_others_do() -> None:
    assert [name for name, look in PRESETS.items() if look.invisible] == ["none"]


def test_no_preset_refers_to_assets_or_names_faces() -> None:
    assert not any(look.asset_ids or look.faces != "all" for look in PRESETS.values())


def test_natural_is_milder_than_default_and_default_than_glamour() -> None:
    for effect in ("smooth", "slim_face", "enlarge_eyes"):
        natural, default, glamour = (getattr(PRESETS[name], effect) for name in ("natural", "default", "glamour"))
        assert natural < default <= glamour, effect


def test_privacy_hides_faces_and_does_nothing_else() -> None:
    assert PRESETS["privacy"] == Look(face_pixelate=PRESETS["privacy"].face_pixelate)
    assert PRESETS["privacy"].face_pixelate >= 0.5, "below, somebody may be recognised"
