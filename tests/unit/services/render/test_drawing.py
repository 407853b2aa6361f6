from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import cv2
import msgspec
import numpy as np
import pytest

from services.render.drawing import Painter
from services.render.effects import EYE_EFFECTS, FACE_EFFECTS, MOUTH_EFFECTS, SHAPE_EFFECTS
from services.render.head import Head
from services.render.moment import Moment
from shared.model.effects import Blush, Brows, Contour, Eyeliner, Eyeshadow, FaceCover, Lenses, Lipstick
from shared.model.errors import Rejected
from shared.model.faces import Face, Layout
from shared.model.looks import Look
from shared.model.needs import unsupported
from shared.model.parts import Part
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat
from shared.model.presets import PRESETS
from tests.unit.services.render.pictures import change, same

TONE_EFFECTS = [*FACE_EFFECTS, *EYE_EFFECTS, *MOUTH_EFFECTS]
EFFECTS = [*TONE_EFFECTS, *SHAPE_EFFECTS]
TWO_WAY = ("chin_length", "forehead", "eye_distance", "nose_length", "mouth_size", "smile")
DRAWN = [(layout, name) for layout in Layout for name in EFFECTS if not unsupported(Look.of(name, 1.0), layout)]
"""Every layout with the effects that it supports."""
ALL = Look(smooth=1, whiten=1, slim_face=1, enlarge_eyes=1)
HALF = Look(smooth=0.5, whiten=0.5, slim_face=0.5, enlarge_eyes=0.5)
EVERY_TONE = Look(
    smooth=1, even_tone=1, dark_circles=1, nasolabial=1, whiten=1, rosy=1, brighten_eyes=1, whiten_teeth=1, sharpen=1,
    contour=Contour(amount=1, highlight=1), blush=Blush(amount=1), eyeshadow=Eyeshadow(amount=1),
    eyeliner=Eyeliner(amount=1), brows=Brows(amount=1), lenses=Lenses(amount=1),
    lipstick=Lipstick(amount=1, finish="gloss"),
)  # fmt: skip
EVERY_SHAPE = Look(**dict.fromkeys(SHAPE_EFFECTS, 1.0))
OF_IBUG = Look(smooth=1, even_tone=1, whiten=1, rosy=1, sharpen=1, lipstick=Lipstick(amount=1), slim_face=1, smile=-1)
MOST = {Layout.MESH: EVERY_TONE, Layout.IBUG: OF_IBUG, Layout.FIVE: Look(enlarge_eyes=1, mouth_size=1)}
"""Much of what each layout supports."""
PICTURES = {
    "i420 even": {},
    "i420 odd": {"width": 361, "height": 379},
    "i420 full range": {"full_range": True},
    "rgb24": {"layout": PixelFormat.RGB24, "width": 361, "height": 379},
}


def test_every_effect_of_a_face_is_drawn_and_no_other() -> None:
    at = Look.__struct_fields__.index
    of_faces = Look.__struct_fields__[: at("own")] + Look.__struct_fields__[at("slim_face") : at("stickers")]
    assert set(EFFECTS) == set(of_faces)


@pytest.mark.parametrize("kind", PICTURES)
def test_strength_zero_leaves_every_bit(kind: str, studio: Any) -> None:
    scene = studio.scene(**PICTURES[kind])
    assert same(scene.drawn(Look()), scene.picture)
    for effect in EFFECTS:
        assert same(scene.drawn(Look.of(effect, 0.0)), scene.picture), effect


@pytest.mark.parametrize("kind", PICTURES)
@pytest.mark.parametrize(("layout", "effect"), DRAWN)
def test_an_effect_changes_the_face_and_not_one_bit_far_from_it(
    kind: str, layout: Layout, effect: str, studio: Any
) -> None:
    scene = studio.scene(**PICTURES[kind])
    target = scene.seen_by(layout).drawn(Look.of(effect, 1.0))
    x0, y0, x1, y1 = scene.faces[0].box_px
    reach, changed = 0.4 * (x1 - x0), 0
    for before, after in zip(scene.picture.planes, target.planes, strict=True):
        times = before.shape[0] / scene.picture.geometry.height
        rows, columns = np.nonzero((before != after).reshape(*before.shape[:2], -1).any(axis=-1))
        if not len(rows):
            continue
        changed += 1
        assert rows.min() >= (y0 - reach) * times - 2
        assert rows.max() <= (y1 + reach) * times + 2
        assert columns.min() >= (x0 - reach) * times - 2
        assert columns.max() <= (x1 + reach) * times + 2
    assert changed


@pytest.mark.parametrize("effect", TONE_EFFECTS)
def test_a_tone_effect_leaves_every_bit_off_the_face(effect: str, studio: Any) -> None:
    scene = studio.scene()
    target = scene.drawn(Look.of(effect, 1.0))
    face = scene.inside(Part.OVAL)
    near = np.array([np.roll(np.roll(face, y, 0), x, 1) for y in range(-16, 17, 8) for x in range(-16, 17, 8)]).any(0)
    grown = near | np.roll(near, -24, 0)  # the forehead goes on above the mesh
    assert np.array_equal(scene.picture.planes[0][~grown], target.planes[0][~grown])


@pytest.mark.parametrize("kind", PICTURES)
@pytest.mark.parametrize(("layout", "effect"), DRAWN)
def test_more_strength_is_more_change(kind: str, layout: Layout, effect: str, studio: Any) -> None:
    scene = studio.scene(**PICTURES[kind]).seen_by(layout)
    changes = [change(scene.picture, scene.drawn(Look.of(effect, s))) for s in (0.05, 0.25, 0.5, 0.75, 1.0)]
    assert changes[1] > 0
    assert changes == sorted(changes)


@pytest.mark.parametrize("effect", TWO_WAY)
def test_the_other_direction_is_another_change_as_large(effect: str, studio: Any) -> None:
    scene = studio.scene()
    one, other = (scene.drawn(Look.of(effect, value)) for value in (0.7, -0.7))
    assert not same(one, other)
    assert change(scene.picture, other) > 0.4 * change(scene.picture, one)


@pytest.mark.parametrize(("layout", "effect"), DRAWN)
def test_limited_range_is_kept_where_the_source_kept_it(layout: Layout, effect: str, studio: Any) -> None:
    scene = studio.scene()
    rows, columns = (slice(120, 260), slice(110, 250))
    scene.picture.planes[0][rows, columns][::3] = 235
    scene.picture.planes[0][rows, columns][1::3, ::2] = 16
    target = scene.seen_by(layout).drawn(Look.of(effect, 1.0))
    assert target.planes[0].min() >= 16
    assert target.planes[0].max() <= 235
    assert all(plane.min() >= 16 and plane.max() <= 240 for plane in target.planes[1:])


@pytest.mark.parametrize("kind", PICTURES)
def test_no_seam_runs_along_the_border_of_what_is_drawn(kind: str, studio: Any) -> None:
    settings = {"width": 420, "height": 440, **PICTURES[kind]}
    scene = studio.scene(**settings)
    for plane in scene.picture.planes:  # on a ramp without detail any step that was not there shows
        ramp = np.linspace(100, 150, plane.shape[0])[:, None] + np.linspace(0, 12, plane.shape[1])
        plane[...] = np.rint(ramp if plane.ndim == 2 else ramp[..., None])
    target = scene.drawn(ALL)
    for before, after in zip(scene.picture.planes, target.planes, strict=True):
        for axis in (0, 1):
            steps = np.abs(np.diff(after.astype(int), axis=axis))
            assert steps.max() <= np.abs(np.diff(before.astype(int), axis=axis)).max() + 4


def test_colour_moves_with_brightness(studio: Any) -> None:
    scene = studio.scene()
    rows, columns = np.mgrid[:380, :360]
    waves = np.rint(120 + 60 * np.sin(columns / 12) * np.cos(rows / 15))
    scene.picture.planes[0][...] = waves
    scene.picture.planes[1][...] = cv2.resize(waves, (180, 190), interpolation=cv2.INTER_AREA)
    target = scene.drawn(Look(slim_face=1.0, enlarge_eyes=1.0))
    luma = cv2.resize(target.planes[0], (180, 190), interpolation=cv2.INTER_AREA)
    assert np.abs(luma.astype(int) - target.planes[1]).max() <= 4


def test_a_look_that_a_layout_lacks_a_part_for_is_refused_before_anything_is_drawn(studio: Any) -> None:
    scene = studio.scene(700, 420)
    target = scene.copy()
    faces = (studio.face(180, 210), *scene.seen_by(Layout.FIVE).faces)
    with pytest.raises(Rejected, match="slim_face") as raised:
        Painter().draw(target, faces, ALL)
    assert raised.value.code == "unsupported-look"
    assert same(target, scene.picture)


def test_a_look_is_much_the_same_by_68_points_as_by_the_mesh(regressed: Any) -> None:
    shares = []
    for scene, other in regressed:
        one, two = scene.drawn(HALF), other.drawn(HALF)
        face = scene.inside(Part.OVAL)
        differ, changed = (
            np.abs(a.planes[0].astype(int) - b.planes[0])[face].mean() for a, b in ((one, two), (one, scene.picture))
        )
        shares.append(differ / changed)
    assert np.median(shares) < 0.4


def test_source_is_only_read_and_may_be_read_only(studio: Any) -> None:
    scene = studio.scene()
    for plane in scene.picture.planes:
        plane.flags.writeable = False
    assert change(scene.picture, scene.drawn(ALL)) > 0


@pytest.mark.parametrize("layout", [PixelFormat.I420, PixelFormat.RGB24])
@pytest.mark.parametrize(
    "place",
    [(0, 0, 1), (359, 379, 1), (180, -60, 1), (-90, 190, 1), (180, 190, 4), (5000, 5000, 1), (180, 190, 0.02),
     (180, 190, 0.12), (2, 2, 0.2), (180, 190, 400), (1e30, 0, 1)],
)  # fmt: skip
def test_a_face_anywhere_and_of_any_size_is_drawn_without_harm(
    place: tuple[float, float, float], layout: PixelFormat, studio: Any
) -> None:
    scene = studio.scene(361, 379, layout)
    for points, look in MOST.items():
        there = replace(scene, faces=(studio.face(*place),)).seen_by(points)
        assert there.drawn(look).geometry == scene.picture.geometry


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (2, 2), (17, 3)])
@pytest.mark.parametrize("layout", [PixelFormat.I420, PixelFormat.RGB24])
def test_the_smallest_pictures_are_drawn_without_harm(size: tuple[int, int], layout: PixelFormat, studio: Any) -> None:
    picture = Picture.blank(Geometry(layout, *size), Colour())
    for plane in picture.planes:
        plane[...] = 120
    target = Picture.blank(picture.geometry, picture.colour)
    picture.copy_to(target)
    Painter().draw(target, [studio.face(0, 0), studio.face(3, 3, 0.2)], ALL)
    assert all(abs(int(plane.max()) - 120) < 60 for plane in target.planes)


@pytest.mark.parametrize("broken", [np.nan, np.inf, 0.0, 1e9])
def test_landmarks_that_span_no_face_change_nothing(broken: float, studio: Any) -> None:
    scene = studio.scene()
    for points, look in MOST.items():
        face = Face.of(np.full((points, 3), broken, np.float32), 1.0)
        assert same(scene.drawn(look, (face,)), scene.picture)


def test_wild_landmarks_do_not_crash(studio: Any) -> None:
    scene = studio.scene()
    for seed, layout in product(range(5), Layout):
        points = np.random.default_rng(seed).normal(180, 10 ** (seed + 1), (layout, 3)).astype(np.float32)
        scene.drawn(MOST[layout], (Face.of(points, 1.0),))


def test_faces_in_any_order_give_the_same_picture(studio: Any) -> None:
    scene = studio.scene(700, 420)
    faces = (studio.face(350, 210), studio.face(430, 230, 0.7), studio.face(120, 200, 0.5))
    assert same(scene.drawn(ALL, faces), scene.drawn(ALL, faces[::-1]))


def test_a_painter_draws_the_same_whatever_it_drew_before(studio: Any, real: Any) -> None:
    painter, scene = Painter(), studio.scene()
    other = real.copy()
    painter.draw(other, real.faces, ALL)
    target = scene.copy()
    painter.draw(target, scene.faces, ALL)
    assert same(target, scene.drawn(ALL))


def test_a_still_face_does_not_shimmer_when_its_landmarks_tremble(real: Any) -> None:
    steady = real.drawn(ALL).planes[0].astype(int)
    points = real.faces[0].landmarks_px + np.random.default_rng(1).normal(0, 0.1, (468, 3)).astype(np.float32)
    trembling = real.drawn(ALL, (Face.of(points, 1.0),)).planes[0].astype(int)
    face = real.inside(Part.OVAL)
    assert np.abs(steady - trembling)[face].mean() < 1.0


def test_every_real_frame_is_drawn_and_visibly_so(clip: list[Any]) -> None:
    for scene in clip[::6]:
        target = scene.drawn(HALF)
        face = scene.inside(Part.OVAL)
        moved = np.abs(target.planes[0].astype(int) - scene.picture.planes[0])[face]
        assert 2 < moved.mean() < 40


@pytest.mark.parametrize("preset", ["natural", "fresh", "glamour", "stage"])
def test_on_a_still_head_what_is_drawn_hardly_varies(preset: str, real: Any) -> None:
    scene, noise = real.enlarged(3), np.random.default_rng(5)
    points = scene.faces[0].landmarks_px
    tremble = 0.0007 * float(np.linalg.norm(points[33] - points[263]))  # what calmed landmarks have (docs/accuracy.md)
    x0, y0, x1, y1 = (int(edge) for edge in scene.faces[0].box_px)
    drawn = []
    for _ in range(8):
        moved = noise.normal(0, tremble, 3) + noise.normal(0, tremble, points.shape) + points
        target = scene.drawn(PRESETS[preset], (Face.of(moved.astype(np.float32), 1.0),))
        drawn.append(target.planes[0][y0:y1, x0:x1].astype(np.float32))
    assert np.sqrt(np.var(drawn, axis=0).mean()) < 1


@pytest.mark.parametrize("layout", Layout)
def test_what_hides_faces_is_drawn_over_all_that_is_drawn_before(layout: Layout, studio: Any) -> None:
    scene = studio.scene().seen_by(layout)
    target = scene.drawn(msgspec.structs.replace(MOST[layout], face_cover=FaceCover(color="#ffffff")))
    x0, y0, x1, y1 = (int(edge) for edge in scene.faces[0].box_px)
    assert (target.planes[0][y0:y1, (x0 + x1) // 2] == 235).all()
    assert (target.planes[0][(y0 + y1) // 2, x0:x1] == 235).all()


def test_the_heads_that_are_given_are_hidden_and_no_others(studio: Any) -> None:
    scene = studio.scene(700, 420)
    target = scene.copy()
    look = Look(face_cover=FaceCover(color="#ffffff"))
    Painter().draw(target, scene.faces, look, Moment(heads=[Head.at((40, 200, 60, 220))]))
    assert target.planes[0][210, 50] == 235
    assert np.array_equal(target.planes[0][:, 200:], scene.picture.planes[0][:, 200:])
    scene.picture.copy_to(target)
    Painter().draw(target, scene.faces, look, Moment(heads=[]))
    assert same(target, scene.picture)
