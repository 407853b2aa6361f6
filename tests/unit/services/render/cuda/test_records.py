from __future__ import annotations

from typing import Any

import numpy as np

from services.render.cuda.places import EFFECTS, PARTS, Extent, Places
from services.render.cuda.records import GRIDS, JOB, describe, lay_out, template
from services.render.effects.makeup.eyeliner import thicker
from services.render.eyes import EYES
from services.render.shape import FaceShape
from services.render.toning import FACE, region_of
from shared.model.effects import Contour, Eyeliner, Lipstick
from shared.model.looks import Look
from shared.model.parts import Part
from shared.model.pictures import Colour, Geometry, PixelFormat

LOOK = Look(
    smooth=0.3,
    contour=Contour(amount=0.2, highlight=0.7),
    lipstick=Lipstick(color="#102030", finish="gloss"),
    eyeliner=Eyeliner(),
)
GEOMETRY = Geometry(PixelFormat.NV12, 641, 480)


def shape_in(studio: Any) -> FaceShape:
    shape = FaceShape.of(studio.scene().faces[0])
    assert shape is not None
    return shape


def made(studio: Any, effects: tuple[str, ...], eye: Any = None, colour: Colour = Colour()) -> tuple[Any, Places]:  # noqa: B008  -- frozen
    shape = shape_in(studio)
    places = Places(Extent(effects, eye), shape.topology, len(shape.points_px))
    return template(LOOK, places, GEOMETRY, colour)[0], places


def test_a_record_has_what_the_look_says_of_the_effects_of_its_extent(studio: Any) -> None:
    (face, _), (mouth, _) = made(studio, ("smooth", "contour")), made(studio, ("lipstick",))
    assert face["effects"] == 1 << EFFECTS.index("smooth") | 1 << EFFECTS.index("contour")
    assert np.isclose(face["amount"][EFFECTS.index("smooth")], 0.3)
    assert np.isclose(face["highlight"], 0.7)
    assert (face["draws_face"], mouth["draws_face"], mouth["gloss"]) == (1, 0, 1)
    assert mouth["colour"][3 * EFFECTS.index("lipstick") :][:3].tolist() == [16, 32, 48]


def test_a_record_says_which_of_the_points_are_a_part(studio: Any) -> None:
    job, places = made(studio, ("lipstick",))
    points, shape = np.concatenate(places.points_px(shape_in(studio))), shape_in(studio)
    assert job["point_count"] == len(points)
    for part in (Part.LIPS, Part.MOUTH, Part.BARE_SKIN):
        start, count = job["ring_start"][PARTS.index(part)], job["ring_count"][PARTS.index(part)]
        assert np.array_equal(points[start : start + count], shape.part(part))
    assert not job["ring_count"][PARTS.index(Part.OVAL)]


def test_a_record_says_how_far_along_the_lashes_a_line_is_thick(studio: Any) -> None:
    job, places = made(studio, ("eyeliner",), EYES[0])
    assert job["outer_lashes"] == thicker(places.counts["lashes"]) < places.counts["lashes"]


def test_a_record_has_the_size_of_the_picture_and_what_its_numbers_mean(studio: Any) -> None:
    for full_range, levels in ((True, (0, 255)), (False, (16, 235))):
        job, _ = made(studio, ("smooth",), colour=Colour(full_range=full_range))
        assert (job["width"], job["height"], job["black"], job["white"]) == (641, 480, *levels)
        assert np.allclose(job["yuv_of_rgb"].reshape(3, 4) @ (255, 255, 255, 1), (levels[1], 128, 128), atol=1e-3)


def test_a_record_has_where_a_face_is_drawn_and_how_fine(studio: Any) -> None:
    scene, shape = studio.scene(), shape_in(studio)
    region = region_of(scene.picture, shape, FACE)
    assert region is not None
    for effects, sharpened in ((("smooth",), False), (("smooth", "sharpen"), True)):
        job, places = made(studio, effects)
        describe(job, shape, region, places)
        assert (job["x0"], job["y0"], job["x1"], job["y1"]) == (region.x0, region.y0, region.x1, region.y1)
        assert (job["rows"], job["columns"]) == region.cells
        assert np.isclose(job["scale"] * region.step, shape.scale_px)
        assert bool(job["sharp_radius"]) is sharpened, "only sharpening asks for the samples around"


def test_of_several_records_each_part_lies_behind_the_one_before() -> None:
    jobs = np.zeros(2, JOB)
    jobs["rows"], jobs["columns"], jobs["x1"], jobs["y1"], jobs["point_count"] = 3, 4, 10, 20, 7
    lay_out(jobs)
    assert jobs["arena"].tolist() == [0, GRIDS * 12]
    assert jobs["copy"].tolist() == [0, 200]
    assert jobs["points"].tolist() == [jobs.nbytes, jobs.nbytes + 56]
