"""Textures laid on faces on a card, beside the same laid by the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from services.render.cuda import texture as texture_module
from services.render.cuda.painter import CardPainter
from services.render.drawing import Painter
from shared.model.effects import Texture
from shared.model.errors import Rejected
from shared.model.looks import Look
from shared.model.parts import Part
from shared.model.template import face_template
from tests.cuda.likeness import fetched, psnr, uploaded
from tests.unit.services.render.pictures import prepared, same

if TYPE_CHECKING:
    from shared.cuda.device import Device
    from shared.model.pictures import Picture

WHOLE, SPOT, NOTHING = "0" * 32, "1" * 32, "2" * 32
LEAST_DB = 48.0
"""What is asked of the card is 40; what it reaches is kept."""
BLENDS = ("normal", "multiply", "screen", "overlay", "soft-light")


def painted(side: int = 256) -> np.ndarray:
    """Soft colours of every opacity."""
    spots = np.random.default_rng(4).integers(0, 256, (12, 12, 4), np.uint8)
    return cv2.resize(spots, (side, side), interpolation=cv2.INTER_CUBIC)


def spot(side: int = 256) -> np.ndarray:
    """One on a cheek, and nothing else."""
    paint = np.zeros((side, side, 4), np.uint8)
    cv2.circle(paint, (side // 3, side // 2), side // 12, (200, 40, 60, 255), -1, cv2.LINE_AA)
    return paint


ASSETS = {WHOLE: prepared(painted()), SPOT: prepared(spot()), NOTHING: prepared(np.zeros((64, 64, 4), np.uint8))}


def both(device: Device, scene: Any, look: Look) -> tuple[Picture, Picture]:
    """The scene as the CPU draws it, and as the card does."""
    expected, there = scene.copy(), uploaded(device, scene.picture)
    Painter(ASSETS).draw(expected, scene.faces, look)
    CardPainter(device, ASSETS).draw(there, scene.faces, look)
    return expected, fetched(device, there)


def compared(device: Device, scene: Any, look: Look) -> None:
    """On faces little may differ, and beyond them nothing may change."""
    expected, drawn = both(device, scene, look)
    assert psnr(scene.picture, expected, drawn) >= LEAST_DB
    near = faces_of(scene)
    for before, other in zip(scene.picture.planes, drawn.planes, strict=True):
        there = near if before.shape == near.shape else near[::2, ::2]
        assert np.array_equal(before[there == 0], other[there == 0])


def faces_of(scene: Any) -> np.ndarray:
    """[rows, columns] above 0 within the ovals of all meshes, and two pixels around."""
    near = np.zeros(scene.picture.planes[0].shape, np.uint8)
    for face in scene.faces:
        oval = face.landmarks_px[face_template().lines[Part.OVAL], :2]
        cv2.fillPoly(near, [np.rint(oval).astype(np.int32)], 1)
    return cv2.dilate(near, np.ones((5, 5), np.uint8))


def look_of(asset: str = WHOLE, **texture: Any) -> Look:
    return Look(texture=Texture(asset=asset, **{"amount": 0.9, **texture}))


@pytest.mark.parametrize("blend", BLENDS)
@pytest.mark.parametrize("kind", [{}, {"width": 361, "height": 379}, {"full_range": True}])
def test_a_texture_lies_as_the_cpu_lays_it(device: Device, studio: Any, kind: dict[str, Any], blend: str) -> None:
    compared(device, studio.scene(**kind), look_of(blend=blend))


@pytest.mark.parametrize("blend", BLENDS)
def test_on_a_real_face_it_lies_as_the_cpu_lays_it(device: Device, real: Any, blend: str) -> None:
    compared(device, real, look_of(blend=blend))
    compared(device, real, look_of(SPOT, blend=blend, shading=1.0))


@pytest.mark.parametrize("feather", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("shading", [0.0, 1.0])
def test_its_edge_and_its_light_are_those_of_the_cpu(
    device: Device, studio: Any, feather: float, shading: float
) -> None:
    compared(device, studio.scene(), look_of(feather=feather, shading=shading))


@pytest.mark.parametrize("at", [(0, 0), (361, 190), (180, 379), (-20, 380)])
@pytest.mark.parametrize("blend", ["normal", "overlay"])
def test_a_face_that_is_half_out_of_the_picture_shows_what_can_be_seen(
    device: Device, studio: Any, at: tuple[int, int], blend: str
) -> None:
    scene = studio.scene(361, 379)
    compared(device, type(scene)(scene.picture, (studio.face(*at),)), look_of(blend=blend))


@pytest.mark.parametrize("scale", [0.15, 3.0])
def test_a_face_of_any_size_shows_it(device: Device, studio: Any, scale: float) -> None:
    scene = studio.scene(361, 379)
    compared(device, type(scene)(scene.picture, (studio.face(180, 190, scale),)), look_of())


@pytest.mark.parametrize("blend", ["normal", "soft-light"])
def test_of_faces_that_overlap_the_larger_one_is_painted_over_the_smaller(
    device: Device, studio: Any, blend: str
) -> None:
    scene = studio.scene(520, 380)
    scene = type(scene)(scene.picture, (studio.face(330, 190, 1.1), studio.face(240, 180), studio.face(450, 60, 0.3)))
    compared(device, scene, look_of(blend=blend))
    _, whole = both(device, scene, look_of(blend=blend))
    _, larger = both(device, type(scene)(scene.picture, scene.faces[:1]), look_of(blend=blend))
    assert not same(whole, larger)


def test_nothing_to_show_changes_no_bit(device: Device, studio: Any) -> None:
    scene = studio.scene()
    far = type(scene)(scene.picture, (studio.face(-900, 100),))
    for there, look in ((scene, look_of(NOTHING)), (scene, look_of(amount=0.0)), (far, look_of())):
        assert same(both(device, there, look)[1], scene.picture)


def test_an_asset_that_is_not_there_is_refused(device: Device, studio: Any) -> None:
    scene = studio.scene()
    with pytest.raises(Rejected) as refused:
        CardPainter(device).draw(uploaded(device, scene.picture), scene.faces, look_of())
    assert refused.value.code == "unknown-asset"


def test_blocks_have_as_many_threads_as_their_kernel_has_room_for() -> None:
    assert f"__launch_bounds__({texture_module.THREADS}) weighed(" in texture_module.SOURCE.read_text()
