"""Whole looks drawn on a card, beside the same looks drawn by the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from services.render.cuda import painter
from services.render.cuda.painter import FORMS, CardPainter, warm, why_not
from services.render.drawing import Painter
from services.render.head import heads_of
from services.render.moment import Moment
from shared.model.effects import Background, Sticker, Texture
from shared.model.errors import Rejected
from shared.model.faces import Face, Layout
from shared.model.looks import EFFECTS, Look
from shared.model.presets import PRESETS
from tests.cuda.likeness import fetched, psnr, uploaded
from tests.unit.services.render.pictures import prepared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.cuda.device import Device
    from shared.model.pictures import Picture

PAINT = "0" * 32
ASSETS = {PAINT: prepared(np.random.default_rng(5).integers(0, 256, (48, 48, 4), np.uint8))}
LOOKS = {
    **{name: look for name, look in PRESETS.items() if not look.invisible},
    "coloured": Look(smooth=0.7, slim_face=0.6, smile=0.3, brightness=0.2, saturation=-0.3),
    "hidden": Look(smooth=0.8, slim_face=0.5, contrast=0.3, face_pixelate=0.8),
    "worn": Look(
        smooth=0.6,
        slim_face=0.8,
        texture=Texture(asset=PAINT, amount=0.5),
        stickers=(Sticker(asset=PAINT, anchor="right-cheek", size=0.4),),
        contrast=0.2,
    ),
}


def both(
    device: Device, picture: Picture, faces: Sequence[Face], look: Look, moment: Moment | None = None
) -> tuple[Picture, Picture]:
    """The picture as the CPU draws it, and as the card does."""
    expected = type(picture).blank(picture.geometry, picture.colour)
    picture.copy_to(expected)
    Painter(ASSETS).draw(expected, faces, look, moment or Moment())
    drawn = uploaded(device, picture)
    CardPainter(device, ASSETS).draw(drawn, faces, look, moment or Moment())
    return expected, fetched(device, drawn)


@pytest.mark.parametrize("name", LOOKS)
def test_a_look_is_drawn_as_the_cpu_draws_it(device: Device, studio: Any, name: str) -> None:
    scene = studio.scene()
    expected, drawn = both(device, scene.picture, scene.faces, LOOKS[name])
    assert psnr(scene.picture, expected, drawn) > 40


@pytest.mark.parametrize("name", ["glamour", "coloured", "hidden", "worn"])
def test_of_faces_that_overlap_the_larger_is_drawn_over_the_smaller(device: Device, studio: Any, name: str) -> None:
    scene = studio.scene(520, 380)
    faces = [studio.face(330, 190, 1.1), studio.face(240, 180), studio.face(450, 60, 0.3)]
    expected, drawn = both(device, scene.picture, faces, LOOKS[name])
    assert psnr(scene.picture, expected, drawn) > 40
    other, _ = both(device, scene.picture, faces, Look(smooth=0.7))
    assert psnr(scene.picture, expected, other) < 40  # the test would tell


def test_what_is_hidden_is_what_the_moment_says(device: Device, studio: Any) -> None:
    scene, look = studio.scene(), LOOKS["hidden"]
    moment = Moment(heads=heads_of([studio.face(120, 90, 0.5)]))
    expected, drawn = both(device, scene.picture, scene.faces, look, moment)
    assert psnr(scene.picture, expected, drawn) > 40
    nobody, _ = both(device, scene.picture, scene.faces, look, Moment(heads=[]))
    assert psnr(scene.picture, nobody, drawn) < 40


def test_a_background_is_drawn_first_and_behind_everybody(device: Device, studio: Any) -> None:
    scene, look = studio.scene(), Look(background=Background(kind="color", color="#1030c0"), smooth=0.8, brightness=0.2)
    mask = np.zeros((48, 48), np.uint8)
    mask[12:, 8:30] = 255
    for faces in ((), scene.faces):
        expected, drawn = both(device, scene.picture, (), look, Moment(people=mask, faces=faces))
        assert psnr(scene.picture, expected, drawn) > 40
    with pytest.raises(Rejected) as refused:
        both(device, scene.picture, scene.faces, Look(background=Background(kind="transparent")), Moment(people=mask))
    assert refused.value.code == "unsupported-look"


def test_without_faces_only_what_is_drawn_on_frames_is(device: Device, studio: Any) -> None:
    scene = studio.scene()
    expected, drawn = both(device, scene.picture, (), Look(smooth=1, slim_face=1, contrast=0.5))
    assert psnr(scene.picture, expected, drawn) > 40


def test_a_layout_that_lacks_a_part_is_refused(device: Device, studio: Any) -> None:
    scene = studio.scene().seen_by(Layout.FIVE)
    with pytest.raises(Rejected) as refused:
        CardPainter(device).draw(uploaded(device, scene.picture), scene.faces, Look(smooth=0.5))
    assert refused.value.code == "unsupported-look"


def test_landmarks_that_span_no_face_are_left_alone(device: Device, studio: Any) -> None:
    scene = studio.scene()
    nowhere = Face.of(np.full((468, 3), np.nan, np.float32), 1.0)
    _, drawn = both(device, scene.picture, [nowhere], Look(smooth=1, slim_face=1))
    assert all(np.array_equal(*pair) for pair in zip(drawn.planes, scene.picture.planes, strict=True))


def test_a_look_can_be_drawn_there_if_each_of_its_effects_can() -> None:
    assert set(EFFECTS) - FORMS == {"own"}
    assert why_not(Look()) == ""
    assert why_not(LOOKS["natural"]) == ""
    assert why_not(LOOKS["worn"]) == ""
    assert why_not(Look(smooth=1, own={"halo": {"amount": 1.0}})) == "own cannot be drawn on a card"


def test_everything_that_a_look_may_need_is_compiled_before(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, compiled = set[Path](), device.kernels
    monkeypatch.setattr(device, "kernels", lambda *sources: (asked.add(sources[0]), compiled(*sources))[1])
    warm(device)
    assert asked == set(Path(painter.__file__).parent.glob("*.cu"))
