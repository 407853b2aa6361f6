from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from services.render.layouts import TOPOLOGIES
from services.render.shape import FaceShape
from shared.model.faces import Layout
from shared.model.parts import GIVEN, Part

RINGS = (Part.OVAL, Part.RIGHT_EYE, Part.LEFT_EYE, Part.RIGHT_BROW, Part.LEFT_BROW, Part.LIPS)
DENSE = (Layout.MESH, Layout.IBUG)
COUNTS = {
    **dict.fromkeys((Part.RIGHT_JAW, Part.LEFT_JAW), 9),
    **dict.fromkeys((Part.CHIN, Part.NOSE_TIP, Part.RIGHT_EYE_CENTRE, Part.LEFT_EYE_CENTRE), 1),
    **dict.fromkeys((Part.RIGHT_EYE_CORNERS, Part.LEFT_EYE_CORNERS, Part.MOUTH_CORNERS), 2),
    Part.NOSE_RIDGE: 4,
}
PER_PART = [(layout, part) for layout in Layout for part in Part if part in GIVEN[layout]]


@pytest.fixture(scope="session", params=list(Layout))
def shape(request: pytest.FixtureRequest, layouts: Any) -> FaceShape:
    """The same face in each layout."""
    found = FaceShape.of(layouts[request.param])
    assert found is not None
    return found


@pytest.mark.parametrize("layout", Layout)
def test_a_layout_has_a_place_for_every_part_that_it_promises_and_no_other(layout: Layout) -> None:
    assert set(TOPOLOGIES[layout].places) == GIVEN[layout]


def test_lines_and_points_have_their_number_in_every_layout(shape: FaceShape) -> None:
    counts = {part: shape.part(part).shape for part in COUNTS if part in shape.topology.places}
    assert counts == {part: (COUNTS[part], 2) for part in counts}
    assert all(shape.part(part).dtype == np.float32 for part in shape.topology.places)


def test_lines_and_points_lie_near_those_of_the_mesh(shape: FaceShape, layouts: Any) -> None:
    mesh = FaceShape.of(layouts[Layout.MESH])
    assert mesh is not None
    for part in COUNTS.keys() & shape.topology.places:
        distance = np.linalg.norm(shape.part(part) - mesh.part(part), axis=1).max()
        assert distance < 0.09 * mesh.scale_px, part


def test_the_scale_is_that_of_the_mesh(shape: FaceShape, layouts: Any) -> None:
    mesh = FaceShape.of(layouts[Layout.MESH])
    assert mesh is not None
    assert shape.scale_px == pytest.approx(mesh.scale_px, rel=0.08)


@pytest.mark.parametrize(("layout", "part"), PER_PART)
def test_a_part_goes_with_the_face_when_it_turns_grows_and_moves(layout: Layout, part: Part, layouts: Any) -> None:
    turn = np.array([(0.6, -0.8), (0.8, 0.6)], np.float32) * np.float32(1.7)
    place, points = TOPOLOGIES[layout].places[part], layouts[layout].landmarks_px[:, :2]
    turned = place((points @ turn + np.float32(40)).astype(np.float32))
    assert np.abs(turned - (place(points) @ turn + np.float32(40))).max() < 0.01


@pytest.mark.parametrize("layout", DENSE)
@pytest.mark.parametrize("part", RINGS)
def test_a_ring_is_walked_round_without_crossing_itself(part: Part, layout: Layout, layouts: Any) -> None:
    ring = TOPOLOGIES[layout].places[part](layouts[layout].landmarks_px[:, :2])
    steps = np.roll(ring, -1, 0) - ring
    assert len(np.unique(ring, axis=0)) == len(ring)
    assert np.linalg.norm(steps, axis=1).max() < 0.7 * np.ptp(ring, axis=0).max()
    assert cv2.contourArea(ring) > 0.55 * cv2.contourArea(cv2.convexHull(ring))  # brows are crescents


@pytest.mark.parametrize("layout", DENSE)
def test_eyes_brows_and_lips_lie_within_the_oval_and_bare_skin_outside_of_them(layout: Layout, layouts: Any) -> None:
    rings = {part: TOPOLOGIES[layout].places[part](layouts[layout].landmarks_px[:, :2]) for part in RINGS}
    for part in RINGS[1:]:
        assert cv2.pointPolygonTest(rings[Part.OVAL], rings[part].mean(axis=0).tolist(), measureDist=False) > 0
    for spot in TOPOLOGIES[layout].places[Part.BARE_SKIN](layouts[layout].landmarks_px[:, :2]).tolist():
        assert cv2.pointPolygonTest(rings[Part.OVAL], spot, measureDist=False) > 0
        assert all(cv2.pointPolygonTest(rings[part], spot, measureDist=False) < 0 for part in RINGS[1:])


def test_right_and_left_mirror_each_other(shape: FaceShape) -> None:
    middle = shape.part(Part.NOSE_TIP)[0, 0]
    for part in (part for part in shape.topology.places if part.startswith("right")):
        right, left = shape.part(part), shape.part(Part(part.replace("right", "left")))
        assert right[:, 0].mean() < middle < left[:, 0].mean()
        assert abs(right[:, 1].mean() - left[:, 1].mean()) < 0.1 * shape.scale_px
    right, left = shape.part(Part.RIGHT_EYE_CORNERS)[:, 0], shape.part(Part.LEFT_EYE_CORNERS)[:, 0]
    assert right[0] < right[1] < left[1] < left[0], "outer before inner"
