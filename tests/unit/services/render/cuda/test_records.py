from __future__ import annotations

from typing import Any

import numpy as np

from services.render.cuda.records import BARE_POINTS, EFFECTS, PARTS, Extent, describe, describe_picture, template
from services.render.eyes import EYES
from services.render.masks import fixed_point
from services.render.shape import FaceShape
from services.render.toning import FACE, MOUTH, of_eye, region_of
from shared.model.effects import Contour, Lenses, Lipstick
from shared.model.faces import Layout
from shared.model.looks import Look
from shared.model.parts import GIVEN, Part
from shared.model.pictures import Colour, Geometry, PixelFormat

LOOK = Look(smooth=0.3, contour=Contour(amount=0.2, highlight=0.7), lipstick=Lipstick(color="#102030", finish="gloss"))


def described(studio: Any, place: Any, extent: Extent, look: Look = LOOK, *, is_first: bool = True) -> tuple[Any, Any]:
    scene = studio.scene()
    shape = FaceShape.of(scene.faces[0])
    assert shape is not None
    region = region_of(scene.picture, shape, place)
    assert region is not None
    job = template(look, extent)[0]
    job["is_first"] = is_first
    return job, describe(job, shape, region, extent)


def points_of(job: Any, points: np.ndarray, part: str) -> np.ndarray:
    number = PARTS.index(part)
    return points[job["ring_start"][number] :][: job["ring_count"][number]]


def test_a_template_has_what_the_look_says_of_the_effects_of_its_extent() -> None:
    face, mouth = template(LOOK, Extent(("smooth", "contour"), None))[0], template(LOOK, Extent(("lipstick",), None))[0]
    assert face["effects"] == 1 << EFFECTS.index("smooth") | 1 << EFFECTS.index("contour")
    assert np.isclose(face["amount"][EFFECTS.index("smooth")], 0.3)
    assert np.isclose(face["highlight"], 0.7)
    assert (face["draws_face"], mouth["draws_face"], mouth["gloss"]) == (1, 0, 1)
    assert mouth["colour"][3 * EFFECTS.index("lipstick") :][:3].tolist() == [16, 32, 48]


def test_a_record_has_the_points_of_each_part_in_16ths_of_a_cell(studio: Any) -> None:
    job, points = described(studio, MOUTH, Extent(("lipstick",), None))
    scene = studio.scene()
    shape = FaceShape.of(scene.faces[0])
    assert shape is not None
    region = region_of(scene.picture, shape, MOUTH)
    assert region is not None
    assert (job["rows"], job["columns"]) == region.cells
    for part in (Part.LIPS, Part.MOUTH):
        assert np.array_equal(points_of(job, points, part), fixed_point(region.to_grid(shape.part(part))))
    assert not len(points_of(job, points, Part.OVAL))


def test_bare_skin_is_told_in_pixels_to_those_that_look_at_it(studio: Any) -> None:
    face = Extent(("smooth",), None)
    shape = FaceShape.of(studio.scene().faces[0])
    assert shape is not None
    job, points = described(studio, FACE, face)
    assert np.array_equal(points_of(job, points, Part.BARE_SKIN), np.rint(shape.part(Part.BARE_SKIN)))
    job, points = described(studio, FACE, face, is_first=False)
    assert not len(points_of(job, points, Part.BARE_SKIN))


def test_kernels_have_room_for_the_bare_skin_of_every_layout(layouts: dict[Layout, Any]) -> None:
    for layout, face in layouts.items():
        shape = FaceShape.of(face)
        assert shape is not None
        assert Part.BARE_SKIN not in GIVEN[layout] or len(shape.part(Part.BARE_SKIN)) <= BARE_POINTS


def test_only_sharpening_asks_for_the_samples_around(studio: Any) -> None:
    for effects, wanted in ((("smooth",), False), (("smooth", "sharpen"), True)):
        job, _ = described(studio, FACE, Extent(effects, None), Look(smooth=1, sharpen=1))
        assert bool(job["sharp_radius"]) is wanted


def test_an_eye_is_described_by_its_own_parts(studio: Any) -> None:
    for eye in EYES:
        job, points = described(studio, of_eye(eye), Extent(("lenses",), eye), Look(lenses=Lenses()))
        ring = points_of(job, points, "eye") / 16
        assert (ring.min(axis=0) < (job["eye_x"], job["eye_y"])).all()
        assert ((job["eye_x"], job["eye_y"]) < ring.max(axis=0)).all()
        assert np.isclose(job["eye_width"], np.ptp(ring[:, 0]), rtol=0.1)


def test_a_picture_is_described_by_its_size_and_range() -> None:
    job = template(LOOK, Extent(("smooth",), None))[0]
    for full_range, levels in ((True, (0, 255)), (False, (16, 235))):
        describe_picture(job, Geometry(PixelFormat.NV12, 641, 480), Colour(full_range=full_range))
        assert (job["width"], job["height"], job["black"], job["white"]) == (641, 480, *levels)
