"""Stickers laid over faces on a card, beside the same laid by the CPU."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from services.render.bending import Bending
from services.render.cuda.painter import CardPainter
from services.render.drawing import Painter
from services.render.moment import BEGINNING, Moment
from shared.model.effects import Sticker
from shared.model.errors import Rejected
from shared.model.faces import Layout
from shared.model.looks import Look
from tests.cuda.likeness import fetched, psnr, uploaded
from tests.unit.services.render.pictures import prepared, same

if TYPE_CHECKING:
    from services.render.bumps import Bumps
    from services.render.shape import FaceShape
    from shared.cuda.device import Device
    from shared.model.pictures import Picture

PICTURE, RUNNING = "0" * 32, "1" * 32
LEAST_DB = 60.0
"""What is asked of the card is 40; what it reaches is kept."""
WORN = (
    Sticker(asset=PICTURE, anchor="eyes", size=1.1),
    Sticker(asset=RUNNING, anchor="nose", size=0.4, turn=30, amount=0.6, x=0.1),
    Sticker(asset=PICTURE, anchor="head", size=0.05, y=0.2),
)
BEHIND = (Sticker(asset=PICTURE, anchor="head", size=2.4, behind=True), WORN[1])
PEOPLE = np.zeros((38, 36), np.uint8)
PEOPLE[8:, 9:25] = 255


def painted(seed: int, width: int, height: int) -> np.ndarray:
    """Soft colours of every opacity."""
    spots = np.random.default_rng(seed).integers(0, 256, (6, 7, 4), np.uint8)
    return cv2.resize(spots, (width, height), interpolation=cv2.INTER_CUBIC)


ASSETS = {
    PICTURE: prepared(painted(1, 301, 200)),
    RUNNING: prepared(painted(2, 64, 64), painted(3, 64, 64), lasts_ms=100),
}


def both(device: Device, scene: Any, look: Look, moment: Moment = BEGINNING) -> tuple[Picture, Picture]:
    """The scene as the CPU draws it, and as the card does."""
    expected, there = scene.copy(), uploaded(device, scene.picture)
    Painter(ASSETS).draw(expected, scene.faces, look, moment)
    CardPainter(device, ASSETS).draw(there, scene.faces, look, moment)
    return expected, fetched(device, there)


def compared(device: Device, scene: Any, look: Look, moment: Moment = BEGINNING, least_db: float = LEAST_DB) -> None:
    """Inside of what the CPU changes little may differ, and beyond a pixel of it nothing may change."""
    expected, drawn = both(device, scene, look, moment)
    assert psnr(scene.picture, expected, drawn) >= least_db
    for before, one, other in zip(scene.picture.planes, expected.planes, drawn.planes, strict=True):
        near = cv2.dilate((before != one).astype(np.uint8), np.ones((3, 3), np.uint8))
        assert np.array_equal(before[near == 0], other[near == 0])


@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize("kind", [{}, {"width": 361, "height": 379}, {"full_range": True}])
def test_stickers_lie_as_the_cpu_lays_them(device: Device, studio: Any, kind: dict[str, Any], layout: Layout) -> None:
    compared(device, studio.scene(**kind).seen_by(layout), Look(stickers=WORN))


@pytest.mark.parametrize("layout", Layout)
def test_behind_the_head_the_face_stays_before_them(device: Device, studio: Any, layout: Layout) -> None:
    scene = studio.scene(361, 379).seen_by(layout)
    compared(device, scene, Look(stickers=BEHIND))
    compared(device, scene, Look(stickers=BEHIND), Moment(people=PEOPLE))


def test_on_a_real_face_they_lie_as_the_cpu_lays_them(device: Device, real: Any) -> None:
    for stickers in (WORN, BEHIND):
        compared(device, real, Look(stickers=stickers))
        compared(device, real, Look(slim_face=1, enlarge_eyes=0.7, smile=0.5, stickers=stickers), least_db=55)


@pytest.mark.parametrize("at", [(0, 0), (361, 190), (180, 379), (-20, 380)])
def test_a_face_that_is_half_out_of_the_picture_wears_what_can_be_seen(
    device: Device, studio: Any, at: tuple[int, int]
) -> None:
    scene = studio.scene(361, 379)
    compared(device, type(scene)(scene.picture, (studio.face(*at),)), Look(stickers=(*WORN, *BEHIND)))


@pytest.mark.parametrize("scale", [0.15, 3.0])
def test_a_face_of_any_size_wears_them(device: Device, studio: Any, scale: float) -> None:
    scene = studio.scene(361, 379)
    compared(device, type(scene)(scene.picture, (studio.face(180, 190, scale),)), Look(stickers=(*BEHIND, *WORN)))


def test_of_faces_that_overlap_the_larger_one_wears_its_own_over_the_smaller(device: Device, studio: Any) -> None:
    scene = studio.scene(520, 380)
    scene = type(scene)(scene.picture, (studio.face(330, 190, 1.1), studio.face(240, 180), studio.face(450, 60, 0.3)))
    for more in ({}, {"slim_face": 0.8}):
        compared(device, scene, Look(stickers=WORN, **more))
    other = type(scene)(scene.picture, scene.faces[:1])
    assert not same(both(device, scene, Look(stickers=WORN))[1], both(device, other, Look(stickers=WORN))[1])


def test_animations_run_by_the_presentation_time(device: Device, studio: Any) -> None:
    scene, look = studio.scene(), Look(stickers=WORN[1:2])
    compared(device, scene, look, Moment(0.15))
    early, late = (both(device, scene, look, Moment(seconds))[1] for seconds in (0.05, 0.15))
    assert not same(early, late)


def test_they_move_with_a_bend_that_was_weakened_on_the_card(
    device: Device, studio: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Bending.bumps

    def strong(own: Bending, shape: FaceShape) -> Bumps | None:
        bumps = plain(own, shape)
        return bumps and replace(bumps, pulls_px=bumps.pulls_px * np.float32(6))

    monkeypatch.setattr(Bending, "bumps", strong)
    worn = (Sticker(asset=PICTURE, anchor="right-cheek", size=0.5), BEHIND[0])
    compared(device, studio.scene(), Look(slim_face=1, stickers=worn), least_db=50)


def test_what_shows_nothing_changes_no_bit(device: Device, studio: Any) -> None:
    scene, far = studio.scene(), studio.face(-900, 100)
    _, drawn = both(device, type(scene)(scene.picture, (far,)), Look(stickers=(*WORN, *BEHIND)))
    assert same(drawn, scene.picture)
    _, drawn = both(device, scene, Look(stickers=(Sticker(asset=PICTURE, amount=0.0),)))
    assert same(drawn, scene.picture)


def test_an_asset_that_is_not_there_is_refused(device: Device, studio: Any) -> None:
    scene = studio.scene()
    with pytest.raises(Rejected) as refused:
        CardPainter(device).draw(uploaded(device, scene.picture), scene.faces, Look(stickers=WORN))
    assert refused.value.code == "unknown-asset"
