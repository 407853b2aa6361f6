from __future__ import annotations

from typing import Any

import numpy as np

from services.render.layouts.mesh import FOREHEAD, MESH
from shared.model.parts import Part

TOP, CHIN = 10, 152


def test_the_oval_goes_on_above_the_mesh_and_nowhere_else(mesh: np.ndarray) -> None:
    points = np.ascontiguousarray(mesh[:, :2])
    oval = MESH.places[Part.OVAL](points)
    height = np.linalg.norm(points[TOP] - points[CHIN])
    assert np.isclose(np.linalg.norm(oval[0] - points[TOP]), FOREHEAD * height, rtol=1e-3)
    below = oval[:, 1] > (points[TOP, 1] + points[CHIN, 1]) / 2
    named = {tuple(point) for point in points.tolist()}
    assert all(tuple(point) in named for point in oval[below].tolist())


def test_pairs_of_the_jaw_lie_opposite_to_each_other(mesh: np.ndarray) -> None:
    right, left = (MESH.places[jaw](mesh[:, :2]) for jaw in (Part.RIGHT_JAW, Part.LEFT_JAW))
    assert np.abs(right[:, 1] - left[:, 1]).max() < 0.1 * np.ptp(mesh[:, 1])
    assert (right[:, 0] < mesh[CHIN, 0]).all()
    assert (left[:, 0] > mesh[CHIN, 0]).all()
    assert (np.diff(right[:, 1]) > 0).all()


def test_every_real_eye_lies_within_its_corners(clip: list[Any]) -> None:
    for scene in clip[::10]:
        points = scene.faces[0].landmarks_px[:, :2]
        for side in ("right", "left"):
            centre = MESH.places[Part(f"{side}-eye-centre")](points)[0]
            outer, inner = MESH.places[Part(f"{side}-eye-corners")](points)
            assert 0.2 < (centre - outer) @ (inner - outer) / ((inner - outer) @ (inner - outer)) < 0.8
