from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from services.render.layouts.ibug import IBUG
from services.render.layouts.mesh import MESH
from services.render.skin import FEATURES
from shared.model.faces import Layout
from shared.model.looks import Look
from shared.model.parts import Part


@pytest.fixture(scope="session")
def points(layouts: Any) -> np.ndarray:
    return np.ascontiguousarray(layouts[Layout.IBUG].landmarks_px[:, :2])


def filled(ring: np.ndarray) -> np.ndarray:
    canvas = np.zeros((400, 400), np.uint8)
    cv2.fillPoly(canvas, [np.rint(ring + 200).astype(np.int32)], 1)
    return canvas.astype(bool)


def test_the_supposed_forehead_ends_about_at_the_meshs_hairline(points: np.ndarray, mesh: np.ndarray) -> None:
    oval, known = IBUG.places[Part.OVAL](points), MESH.places[Part.OVAL](mesh[:, :2])
    brows = points[17:27, 1].mean()
    assert 0.6 * (brows - known[:, 1].min()) < brows - oval[:, 1].min() < 1.05 * (brows - known[:, 1].min())


def test_the_oval_covers_what_the_meshs_covers(points: np.ndarray, mesh: np.ndarray) -> None:
    one, other = filled(IBUG.places[Part.OVAL](points)), filled(MESH.places[Part.OVAL](mesh[:, :2]))
    assert (one & other).sum() > 0.88 * (one | other).sum()


@pytest.mark.parametrize("brow", [Part.RIGHT_BROW, Part.LEFT_BROW])
def test_the_ring_around_a_brow_spares_the_eye_and_covers_the_hairs(
    brow: Part, points: np.ndarray, mesh: np.ndarray
) -> None:
    ring, hairs = filled(IBUG.places[brow](points)), filled(MESH.places[brow](mesh[:, :2]))
    eye = filled(IBUG.places[Part(brow.replace("brow", "eye"))](points))
    assert not (ring & eye).any()
    assert (ring & hairs).sum() > 0.7 * hairs.sum()


def test_the_forehead_follows_a_head_that_nods(points: np.ndarray) -> None:
    lower = points.copy()
    lower[17:48, 1] += 12  # brows, nose and eyes sink; jaw and ears stay
    top, sunk = (IBUG.places[Part.OVAL](one)[:, 1].min() for one in (points, lower))
    assert sunk > top + 6


def test_skin_by_real_points_spares_the_eyes_brows_and_lips_that_the_mesh_sees(regressed: Any) -> None:
    touched = []
    for scene, other in regressed:
        changed = other.drawn(Look(smooth=1.0)).planes[0] != scene.picture.planes[0]
        features = np.any([scene.inside(part) for part in FEATURES], axis=0)
        touched.append(changed[features].mean())
    assert np.median(touched) < 0.01
