from __future__ import annotations

from itertools import chain
from typing import Any

import cv2
import numpy as np
import pytest

from services.render import topology
from shared.model.faces import LANDMARKS

RINGS = ("FACE_OVAL", "RIGHT_EYE", "LEFT_EYE", "RIGHT_BROW", "LEFT_BROW", "LIPS")


@pytest.mark.parametrize("name", RINGS)
def test_a_ring_names_each_landmark_once(name: str) -> None:
    ring = getattr(topology, name)
    assert len(set(ring)) == len(ring)
    assert max(ring) < LANDMARKS


@pytest.mark.parametrize("name", RINGS)
def test_a_ring_is_walked_round_without_crossing_itself(name: str, mesh: np.ndarray) -> None:
    ring = mesh[list(getattr(topology, name)), :2]
    steps = np.roll(ring, -1, 0) - ring
    assert np.linalg.norm(steps, axis=1).max() < 0.7 * np.ptp(ring, axis=0).max()
    assert cv2.contourArea(ring) > 0.6 * cv2.contourArea(cv2.convexHull(ring))  # brows are crescents


def test_eyes_brows_and_lips_lie_within_the_oval(mesh: np.ndarray) -> None:
    oval = mesh[list(topology.FACE_OVAL), :2]
    for name in RINGS[1:]:
        centre = mesh[list(getattr(topology, name)), :2].mean(axis=0)
        assert cv2.pointPolygonTest(oval, centre.tolist(), measureDist=False) > 0


def test_right_and_left_mirror_each_other(mesh: np.ndarray) -> None:
    middle = mesh[[topology.TOP, topology.CHIN], 0].mean()
    for right, left in (*topology.JAW_PAIRS, (33, 263), (133, 362)):
        assert mesh[right, 0] < middle < mesh[left, 0]
        assert abs(mesh[right, 1] - mesh[left, 1]) < 0.1 * np.ptp(mesh[:, 1])


def test_bare_skin_is_no_feature() -> None:
    features: Any = chain(topology.RIGHT_EYE, topology.LEFT_EYE, topology.RIGHT_BROW, topology.LEFT_BROW, topology.LIPS)
    assert not set(topology.BARE_SKIN) & set(features)
