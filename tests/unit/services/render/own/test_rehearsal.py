"""An effect is tried before anybody sees it."""

from __future__ import annotations

from typing import Any

import pytest

from services.render.own.rehearsal import rehearse
from shared.model.errors import Misconfigured
from visavis.effects import Choice, FaceView, Flag, Number, effect


def tried(own: Any, declared: Any) -> None:
    rehearse(own(declared).by_name[declared.name])


def test_an_effect_that_draws_well_passes(owned: Any, paint: Any) -> None:
    tried(owned, paint)


def test_every_layout_every_end_and_every_word_is_tried(owned: Any) -> None:
    seen = set()

    @effect(
        "Notes what it gets.",
        layouts=(468, 68, 5),
        size=Number("How large.", low=-1, default=0),
        kind=Choice("Which.", choices=("a", "b", "c"), default="a"),
        twice=Flag("Whether."),
    )
    def note(face: FaceView, **values: Any) -> None:
        seen.add((face.layout, *values.values()))

    tried(owned, note)
    assert {layout for layout, *_ in seen} == {468, 68, 5}
    assert {size for _, size, *_ in seen} == {-1.0, 0.0, 1.0}
    assert {kind for _, _, kind, _ in seen} == {"a", "b", "c"}
    assert {twice for *_, twice in seen} == {False, True}


def test_an_amount_of_0_is_not_tried_as_it_is_never_drawn(owned: Any) -> None:
    @effect("Divides.", amount=Number("How much."))
    def divide(face: FaceView, amount: float) -> None:
        _ = 1 / amount

    tried(owned, divide)


def test_there_is_a_face_with_skin_to_draw_on(owned: Any) -> None:
    shares: dict[int, list[float]] = {}

    @effect("Measures.", layouts=(468, 68))
    def measure(face: FaceView) -> None:
        shares.setdefault(face.layout, []).append(float(face.skin.mean()))

    tried(owned, measure)
    assert all(share[0] > 0.2 for share in shares.values())


def test_what_fails_is_told_with_layout_parameters_and_line(owned: Any) -> None:
    @effect("Fails at the end of its range.", layouts=(68,), size=Number("How large."))
    def small(face: FaceView, size: float) -> None:
        _ = 1 / (1 - size)

    said = r"on a face of 68 points with size=1\.0: test_rehearsal\.py, line \d+: ZeroDivisionError"
    with pytest.raises(Misconfigured, match=said):
        tried(owned, small)


def test_what_fails_at_the_pictures_edge_is_told(owned: Any) -> None:
    @effect("Believes that every landmark is in the picture.")
    def careless(face: FaceView) -> None:
        for x, y, _ in face.landmarks.astype(int):
            face.rgb[y, x] = 255

    with pytest.raises(Misconfigured, match=r"that the picture's edge cuts with no parameters: .*IndexError"):
        tried(owned, careless)
