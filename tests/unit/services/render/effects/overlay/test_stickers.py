"""Stickers sit at their points, turn and grow with the head, run in time, and stay behind it where they should."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
import pytest

from services.render.anchors import FACE_WIDTH, PLACES, anchor_px
from services.render.bending import Bending
from services.render.drawing import Painter
from services.render.effects.overlay.stickers import bent
from services.render.moment import BEGINNING, Moment
from services.render.pose import head_view
from services.render.shape import FaceShape
from shared.model.assets import PreparedPicture
from shared.model.effects import Sticker
from shared.model.faces import Face, Layout
from shared.model.looks import Look
from shared.model.parts import Part
from shared.model.pictures import Picture, PixelFormat
from tests.unit.services.render.pictures import prepared, same

ID = "0" * 32
KINDS = {
    "i420 even": {},
    "i420 odd": {"width": 361, "height": 379},
    "i420 full range": {"full_range": True},
    "rgb24": {"layout": PixelFormat.RGB24, "width": 361, "height": 379},
}
GREEN, BLUE = (0, 255, 0, 255), (0, 0, 255, 255)


def sheet(rgba: tuple[int, ...] = GREEN, width: int = 64, height: int = 64) -> np.ndarray:
    return np.full((height, width, 4), rgba, np.uint8)


def drawn(
    scene: Any,
    picture: PreparedPicture | np.ndarray,
    moment: Moment = BEGINNING,
    look: Look | None = None,
    **sticker: Any,
) -> Picture:
    target = scene.copy()
    asset = picture if isinstance(picture, PreparedPicture) else prepared(picture)
    whole = msgspec.structs.replace(look or Look(), stickers=(Sticker(asset=ID, **sticker),))
    Painter({ID: asset}).draw(target, scene.faces, whole, moment)
    return target


def changed(scene: Any, target: Picture) -> np.ndarray:
    """[rows, columns] True where a pixel differs."""
    differ = scene.picture.planes[0] != target.planes[0]
    return differ if differ.ndim == 2 else differ.any(axis=-1)


def middle_of(mask: np.ndarray) -> np.ndarray:
    rows, columns = np.nonzero(mask)
    return np.array([columns.mean(), rows.mean()])


def shape_of(scene: Any) -> FaceShape:
    shape = FaceShape.of(scene.faces[0])
    assert shape is not None
    return shape


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize("anchor", PLACES)
def test_a_sticker_sits_at_its_anchor_for_every_layout(anchor: Any, layout: Layout, kind: str, studio: Any) -> None:
    scene = studio.scene(**KINDS[kind]).seen_by(layout)
    shape = shape_of(scene)
    target = drawn(scene, sheet(), anchor=anchor, size=0.1)  # above the head there is room for no larger one
    there = anchor_px(shape, head_view(shape.landmarks_px), anchor)
    assert np.abs(middle_of(changed(scene, target)) - there).max() < 1.5


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_changed_but_what_the_sticker_covers(kind: str, studio: Any) -> None:
    scene = studio.scene(**KINDS[kind])
    mask = changed(scene, drawn(scene, sheet(), anchor="nose", size=0.3))
    rows, columns = np.nonzero(mask)
    width = FACE_WIDTH * head_view(shape_of(scene).landmarks_px).scale_px * 0.3
    assert abs(np.ptp(columns) - width) < 0.1 * width + 3
    assert abs(np.ptp(rows) - width) < 0.1 * width + 3


@pytest.mark.parametrize("kind", KINDS)
def test_amount_nothing_and_a_transparent_picture_leave_every_bit(kind: str, studio: Any) -> None:
    scene = studio.scene(**KINDS[kind])
    for target in (drawn(scene, sheet(), amount=0.0), drawn(scene, sheet((9, 200, 9, 0)))):
        assert same(scene.picture, target)


def test_more_amount_is_more_change(studio: Any) -> None:
    scene = studio.scene()
    changes = []
    for amount in (0.1, 0.4, 0.7, 1.0):
        target = drawn(scene, sheet(), amount=amount)
        pairs = zip(scene.picture.planes, target.planes, strict=True)
        changes.append(sum(int(np.abs(a.astype(int) - b).sum()) for a, b in pairs))
    assert changes == sorted(changes)
    assert changes[0] > 0


def test_an_opaque_sticker_shows_its_own_colour(studio: Any) -> None:
    scene = studio.scene(layout=PixelFormat.RGB24)
    target = drawn(scene, sheet(), anchor="nose", size=0.4)
    x, y = middle_of(changed(scene, target))
    assert target.planes[0][round(y), round(x)].tolist() == [0, 255, 0]


def test_size_x_and_y_are_in_widths_of_the_face(studio: Any) -> None:
    scene = studio.scene(500, 520)
    width = FACE_WIDTH * head_view(shape_of(scene).landmarks_px).scale_px
    small, large = (changed(scene, drawn(scene, sheet(), anchor="nose", size=s)).sum() for s in (0.2, 0.4))
    assert large / small == pytest.approx(4, rel=0.15)
    here = middle_of(changed(scene, drawn(scene, sheet(), anchor="nose", size=0.2)))
    there = middle_of(changed(scene, drawn(scene, sheet(), anchor="nose", size=0.2, x=0.5, y=-0.25)))
    assert np.abs(there - here - (0.5 * width, -0.25 * width)).max() < 0.07 * width


def test_turn_is_clockwise(studio: Any) -> None:
    scene = studio.scene()
    bar = sheet((0, 0, 0, 0), 80, 80)
    bar[36:44, 40:] = GREEN  # a hand of a clock at three
    nose = middle_of(changed(scene, drawn(scene, sheet(), anchor="nose", size=0.05)))
    hand = middle_of(changed(scene, drawn(scene, bar, anchor="nose", size=0.8, turn=90.0))) - nose
    assert hand[1] > 15  # at six
    assert abs(hand[0]) < 5


def test_a_sticker_rolls_with_the_head(studio: Any) -> None:
    scene = studio.scene(460, 460)
    angle = math.radians(70)
    turn = np.array([(math.cos(angle), -math.sin(angle), 0), (math.sin(angle), math.cos(angle), 0), (0, 0, 1)])
    middle = np.array((230, 230, 0))
    points = (scene.faces[0].landmarks_px - middle) @ turn.T + middle
    other = type(scene)(scene.picture, (Face.of(points.astype(np.float32), 1.0),))
    above, rolled = (middle_of(changed(s, drawn(s, sheet(), anchor="nose", size=0.1, y=-0.6))) for s in (scene, other))
    assert np.abs((above - 230) @ turn[:2, :2].T + 230 - rolled).max() < 2


def test_a_turned_head_makes_a_sticker_narrow_and_a_profile_hides_it(studio: Any) -> None:
    scene = studio.scene(460, 460)

    def wide(yaw: float) -> int:
        angle = math.radians(yaw)
        turn = np.array([(math.cos(angle), 0, math.sin(angle)), (0, 1, 0), (-math.sin(angle), 0, math.cos(angle))])
        centred = scene.faces[0].landmarks_px - scene.faces[0].landmarks_px.mean(axis=0)
        face = Face.of((centred @ turn.T + (230, 230, 0)).astype(np.float32), 1.0)
        mask = changed(scene, drawn(type(scene)(scene.picture, (face,)), sheet(), anchor="eyes", size=0.5))
        columns = np.flatnonzero(mask.any(axis=0))
        return int(np.ptp(columns)) if len(columns) else 0

    assert wide(0) > wide(30) > wide(55) > 10


def test_it_moves_with_what_the_bend_moves(studio: Any) -> None:
    scene = studio.scene()
    look = Look(enlarge_eyes=1.0, slim_face=1.0)
    shape = shape_of(scene)
    bumps = Bending(look).bumps(shape)
    assert bumps is not None
    jaw = shape.part(Part.RIGHT_JAW)
    assert np.linalg.norm(bent(jaw, bumps) - jaw, axis=1).max() > 3
    cheek = anchor_px(shape, head_view(shape.landmarks_px), "right-cheek")[None]
    moved = bent(cheek, bumps)[0]
    plain = scene.copy()
    Painter().draw(plain, scene.faces, look)
    worn = drawn(scene, sheet(), anchor="right-cheek", size=0.1, look=look)
    assert np.abs(middle_of(plain.planes[0] != worn.planes[0]) - moved).max() < 1.5


@pytest.mark.parametrize(("seconds", "first"), [(0.0, True), (0.09, True), (0.11, False), (0.25, True), (7.15, False)])
def test_an_animation_runs_by_the_presentation_time(seconds: float, first: bool, studio: Any) -> None:
    scene = studio.scene(layout=PixelFormat.RGB24)
    animation = prepared(sheet(GREEN), sheet(BLUE), lasts_ms=100)
    target = drawn(scene, animation, Moment(seconds), anchor="nose", size=0.3)
    x, y = middle_of(changed(scene, target))
    assert target.planes[0][round(y), round(x)].tolist() == ([0, 255, 0] if first else [0, 0, 255])


@pytest.mark.parametrize("layout", Layout)
def test_behind_the_head_the_face_stays_as_it_is(layout: Layout, studio: Any) -> None:
    scene = studio.scene().seen_by(layout)
    mask = changed(scene, drawn(scene, sheet(), anchor="eyes", size=2.5, behind=True))
    x, y = shape_of(scene).part(Part.NOSE_TIP)[0]
    assert not mask[round(y) - 40 : round(y) + 30, round(x) - 30 : round(x) + 30].any()
    assert mask[:20].any()


def test_behind_people_what_they_cover_stays_as_it_is(studio: Any) -> None:
    scene = studio.scene(layout=PixelFormat.RGB24)
    people = np.zeros((38, 36), np.uint8)
    people[:, 18:] = 255
    mask = changed(scene, drawn(scene, sheet(), Moment(people=people), anchor="eyes", size=4.0, behind=True))
    assert mask[:, :170].all()
    assert not mask[:, 190:].any()


def test_a_large_picture_is_shown_small_without_glitter(studio: Any) -> None:
    scene = studio.scene(layout=PixelFormat.RGB24)
    checks = sheet((0, 0, 0, 255), 1024, 1024)
    checks[::2, ::2] = checks[1::2, 1::2] = 255
    target = drawn(scene, checks, anchor="nose", size=0.4)
    x, y = middle_of(changed(scene, target))
    inner = target.planes[0][round(y) - 10 : round(y) + 10, round(x) - 10 : round(x) + 10].astype(int)
    assert np.abs(inner - 128).max() <= 2


@pytest.mark.parametrize(
    "place", [(0, 0, 1), (359, 379, 1), (0, 379, 0.3), (180, -60, 1), (5000, 5000, 1), (2, 2, 0.2), (180, 190, 4)]
)
@pytest.mark.parametrize("layout", [PixelFormat.I420, PixelFormat.RGB24])
def test_at_the_edges_of_the_picture_it_is_cut(
    place: tuple[float, float, float], layout: PixelFormat, studio: Any
) -> None:
    scene = studio.scene(361, 379, layout)
    for points in Layout:
        there = type(scene)(scene.picture, (studio.face(*place),)).seen_by(points)
        for behind in (False, True):
            drawn(there, sheet(width=90, height=33), anchor="head", size=1.7, turn=20.0, behind=behind)


def test_the_first_of_several_lies_lowest(studio: Any) -> None:
    scene = studio.scene(layout=PixelFormat.RGB24)
    target = scene.copy()
    other = "1" * 32
    stickers = (Sticker(asset=ID, anchor="nose", size=0.4), Sticker(asset=other, anchor="nose", size=0.2))
    Painter({ID: prepared(sheet(GREEN)), other: prepared(sheet(BLUE))}).draw(
        target, scene.faces, Look(stickers=stickers)
    )
    x, y = middle_of(changed(scene, target))
    assert target.planes[0][round(y), round(x)].tolist() == [0, 0, 255]


@pytest.mark.parametrize("size", [5e-324, 1e-12, 1e-4])
def test_what_is_too_small_to_see_is_left_out(size: float, studio: Any) -> None:
    scene = studio.scene()
    assert same(scene.picture, drawn(scene, sheet(), size=size))
