"""A texture lies on the face point by point, where the face is seen, and nowhere else."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from services.render.drawing import Painter
from services.render.effects.overlay.texture import painted
from services.render.pyramid import Pyramid
from shared.model.effects import Texture
from shared.model.errors import Rejected
from shared.model.faces import Face
from shared.model.looks import Look
from shared.model.parts import Part
from shared.model.pictures import Picture, PixelFormat
from shared.model.template import face_template
from tests.unit.services.render.pictures import change, prepared

ID = "0" * 32
SIDE = 512
KINDS = {
    "i420 even": {},
    "i420 odd": {"width": 361, "height": 379},
    "i420 full range": {"full_range": True},
    "rgb24": {"layout": PixelFormat.RGB24, "width": 361, "height": 379},
}


def whole(colour: tuple[int, int, int] = (30, 60, 220), alpha: int = 255) -> np.ndarray:
    return np.full((SIDE, SIDE, 4), (*colour, alpha), np.uint8)


def stripes() -> np.ndarray:
    """Soft waves, as paint on skin has."""
    waves = 128 + 80 * np.sin(np.arange(SIDE) / 9)
    return np.dstack([np.tile(waves[:, None], (1, SIDE))] * 3 + [np.full((SIDE, SIDE), 255)]).astype(np.uint8)


def dots(points: list[int], radius: int = 5) -> np.ndarray:
    paint = whole(alpha=0)
    for u, v in face_template().uv[points]:
        cv2.circle(paint, (round(u * SIDE - 0.5), round(v * SIDE - 0.5)), radius, (20, 255, 40, 255), -1, cv2.LINE_AA)
    return paint


def drawn(scene: Any, rgba: np.ndarray, faces: tuple[Face, ...] | None = None, **texture: Any) -> Picture:
    target = scene.copy()
    look = Look(texture=Texture(asset=ID, **{"amount": 1.0, **texture}))
    Painter({ID: prepared(rgba)}).draw(target, scene.faces if faces is None else faces, look)
    return target


def of_luma(scene: Any, target: Picture) -> np.ndarray:
    return np.abs(scene.picture.planes[0].astype(int) - target.planes[0])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("blend", ["normal", "multiply", "screen", "overlay", "soft-light"])
def test_a_texture_changes_the_face_and_not_one_bit_beyond_it(kind: str, blend: str, studio: Any) -> None:
    scene = studio.scene(**KINDS[kind])
    target = drawn(scene, whole(), blend=blend)
    assert change(scene.picture, target) > 10_000
    for before, after in zip(scene.picture.planes, target.planes, strict=True):
        sub = 1 if before.shape[0] == scene.picture.geometry.height else 2
        near = cv2.dilate(scene.inside(Part.OVAL, sub).astype(np.uint8), np.ones((5, 5)))[
            : before.shape[0], : before.shape[1]
        ]
        assert np.array_equal(before[near == 0], after[near == 0])


@pytest.mark.parametrize("kind", KINDS)
def test_amount_nothing_and_paint_that_is_transparent_leave_every_bit(kind: str, studio: Any) -> None:
    scene = studio.scene(**KINDS[kind])
    assert change(scene.picture, drawn(scene, whole(), amount=0.0)) == 0
    assert change(scene.picture, drawn(scene, whole(alpha=0))) == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("blend", ["normal", "soft-light"])
def test_more_amount_is_more_change(kind: str, blend: str, studio: Any) -> None:
    scene = studio.scene(**KINDS[kind])
    changes = [
        change(scene.picture, drawn(scene, stripes(), blend=blend, amount=a)) for a in (0.05, 0.25, 0.5, 0.75, 1.0)
    ]
    assert changes[0] > 0
    assert changes == sorted(changes)


@pytest.mark.parametrize("point", [50, 280, 9, 151, 4, 205, 199, 70, 105, 0, 116, 345, 61, 291, 159, 386])
def test_what_is_painted_at_a_landmark_shows_at_that_landmark(point: int, studio: Any) -> None:
    """On lips, brows and lids too."""
    scene = studio.scene(500, 520)
    moved = of_luma(scene, drawn(scene, dots([point], 4), feather=0.0, shading=0.0)).astype(float)
    moved[moved < 0.3 * moved.max()] = 0
    rows, columns = np.mgrid[: moved.shape[0], : moved.shape[1]]
    found = np.array([(moved * columns).sum(), (moved * rows).sum()]) / moved.sum()
    reach = (
        1.5 if point in {50, 280, 9, 151, 205, 199} else 3.0
    )  # a spot beside an opening is cut, one on skin is whole
    assert np.linalg.norm(found - scene.faces[0].landmarks_px[point, :2]) < reach


def test_checks_meet_at_the_landmarks_where_the_template_has_them(real: Any) -> None:
    """Left of a line through the template's middle one colour, right of it another: it runs down the nose."""
    paint = whole((255, 0, 0))
    paint[:, SIDE // 2 :, :3] = (0, 0, 255)
    target = drawn(real, paint, feather=0.0)
    ridge = real.faces[0].landmarks_px[[151, 9, 168, 197, 5, 199, 175], :2]
    red = target.planes[2].astype(int)
    for x, y in ridge:
        row = red[round(y / 2), round(x / 2) - 6 : round(x / 2) + 7]
        assert row[:4].mean() > row[-4:].mean() + 40
        step = np.argmin(np.diff(row)) + round(x / 2) - 6 + 0.5
        assert abs(2 * step + 0.5 - x) < 2.5


def test_only_triangles_that_are_painted_are_drawn() -> None:
    assert not painted(Pyramid(whole(alpha=0))).any()
    assert painted(Pyramid(whole())).all()
    some = painted(Pyramid(dots([50])))
    touching = (face_template().triangles == 50).any(axis=1)
    assert some[touching].all()
    assert some.mean() < 0.2


def test_a_small_painting_changes_nothing_far_from_it(studio: Any) -> None:
    scene = studio.scene()
    moved = of_luma(scene, drawn(scene, dots([50])))
    rows, columns = np.nonzero(moved)
    x, y = scene.faces[0].landmarks_px[50, :2]
    assert len(rows)
    assert np.hypot(columns - x, rows - y).max() < 12


def test_eyes_and_the_open_mouth_stay_free(studio: Any) -> None:
    scene = studio.scene(420, 440)
    moved = of_luma(scene, drawn(scene, whole(), shading=0.0))
    for part in (Part.RIGHT_EYE, Part.LEFT_EYE):
        inner = cv2.erode(scene.inside(part).astype(np.uint8), np.ones((3, 3))) > 0
        assert inner.any()
        assert not moved[inner].any()


def test_lips_brows_and_lids_are_painted_over(studio: Any) -> None:
    scene = studio.scene()
    target = drawn(scene, whole((250, 250, 250)), shading=0.0)
    for point in (0, 199, 105, 334, 159, 386):
        x, y = scene.faces[0].landmarks_px[point, :2]
        assert target.planes[0][round(y) - 1 : round(y) + 2, round(x) - 1 : round(x) + 2].max() > 200


def test_a_hand_or_hair_of_another_colour_stays_before_the_paint(studio: Any) -> None:
    scene = studio.scene()
    rows, columns = studio.cheek(scene)
    block = (slice(rows.start - 14, rows.stop + 14), slice(columns.start - 14, columns.stop + 14))
    half = tuple(slice(one.start // 2, one.stop // 2) for one in block)
    scene.picture.planes[0][block] = 40
    for plane in scene.picture.planes[1:]:
        plane[half] = 128
    moved = of_luma(scene, drawn(scene, whole()))
    middle = studio.cheek(scene)
    other = studio.scene()
    assert moved[middle].max() <= 2
    assert of_luma(other, drawn(other, whole()))[middle].mean() > 15


def test_light_and_shade_of_the_face_fall_on_the_paint(studio: Any) -> None:
    scene = studio.scene()
    shade = np.linspace(0.7, 1.0, 360)[None, :]
    scene.picture.planes[0][...] = np.rint(16 + (scene.picture.planes[0] - 16.0) * shade)
    flat, lit = (drawn(scene, whole((160, 160, 160)), shading=s).planes[0].astype(int) for s in (0.0, 1.0))
    right, left = (tuple(round(v) for v in scene.faces[0].landmarks_px[p, 1::-1]) for p in (50, 280))
    assert abs(flat[right] - flat[left]) < 6
    assert lit[left] - lit[right] > 12


def test_feather_softens_the_edge_inwards(studio: Any) -> None:
    scene = studio.scene()
    hard, soft = (of_luma(scene, drawn(scene, whole(), shading=0.0, feather=f)) for f in (0.0, 1.0))
    assert (soft <= hard + 1).all()
    oval = scene.inside(Part.OVAL)
    rim = oval & (cv2.erode(oval.astype(np.uint8), np.ones((25, 25))) == 0)
    assert soft[rim].mean() < 0.5 * hard[rim].mean()
    x, y = scene.faces[0].landmarks_px[5, :2]
    assert abs(int(soft[round(y), round(x)]) - int(hard[round(y), round(x)])) <= 1


def test_a_still_head_does_not_shimmer_when_its_landmarks_tremble(real: Any) -> None:
    noise = np.random.default_rng(1)
    frames = []
    for _ in range(6):
        points = real.faces[0].landmarks_px + noise.normal(0, 0.05, (468, 3)).astype(np.float32)
        frames.append(drawn(real, stripes(), (Face.of(points, 1.0),)).planes[0].astype(float))
    face = real.inside(Part.OVAL)
    assert np.sqrt(np.var(frames, axis=0)[face].mean()) < 1.0


def test_a_texture_whose_asset_is_not_there_is_refused(studio: Any) -> None:
    scene = studio.scene()
    look = Look(texture=Texture(asset=ID))
    with pytest.raises(Rejected, match="There is no asset"):
        Painter().draw(scene.copy(), scene.faces, look)


@pytest.mark.parametrize(
    "place", [(0, 0, 1), (359, 379, 1), (180, -60, 1), (180, 190, 4), (5000, 5000, 1), (180, 190, 0.12)]
)
def test_a_face_anywhere_and_of_any_size_is_painted_without_harm(
    place: tuple[float, float, float], studio: Any
) -> None:
    for layout in (PixelFormat.I420, PixelFormat.RGB24):
        scene = studio.scene(361, 379, layout)
        drawn(scene, stripes(), (studio.face(*place),))


@pytest.mark.parametrize("colour", [(255, 255, 255), (255, 40, 20)])
def test_bright_light_keeps_paint_within_the_range_of_a_video(colour: tuple[int, int, int], studio: Any) -> None:
    scene = studio.scene()
    plane = scene.picture.planes[0]
    plane[:, 190:] = np.clip(plane[:, 190:].astype(int) * 3 // 2, 0, 235)  # half of the face in much brighter light
    target = drawn(scene, whole(colour), shading=1.0)
    assert target.planes[0].max() <= 235
    assert all(16 <= chroma.min() <= chroma.max() <= 240 for chroma in target.planes[1:])
