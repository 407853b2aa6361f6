"""The face template is a symmetric face that is whole but for eyes and mouth, and lies flat."""

from __future__ import annotations

from collections import Counter

import cv2
import numpy as np
import pytest

from shared.model.parts import Part
from shared.model.template import face_template, parsed

OPENINGS = (Part.RIGHT_EYE, Part.LEFT_EYE, Part.MOUTH)


def turned(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """[n]: twice the areas of triangles, below 0 for those that run the other way round."""
    a, b, c = (points[triangles[:, corner]] for corner in range(3))
    return (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]


def edges(triangles: np.ndarray) -> Counter[frozenset[int]]:
    pairs = np.concatenate([triangles[:, [one, (one + 1) % 3]] for one in range(3)])
    return Counter(frozenset(pair) for pair in pairs.tolist())


def ring_edges(part: Part) -> set[frozenset[int]]:
    ring = face_template().lines[part].tolist()
    return {frozenset(pair) for pair in zip(ring, [*ring[1:], ring[0]], strict=True)}


def test_one_half_is_the_mirror_image_of_the_other() -> None:
    template = face_template()
    assert np.array_equal(template.mirror[template.mirror], np.arange(468))
    assert np.allclose(template.points[template.mirror] * (-1, 1, 1), template.points, atol=2e-4)
    assert np.allclose(template.uv[template.mirror], template.uv * (-1, 1) + (1, 0), atol=2e-4)
    mirrored = {frozenset(triangle) for triangle in template.mirror[template.triangles].tolist()}
    assert mirrored == {frozenset(triangle) for triangle in template.triangles.tolist()}


def test_eyes_and_brows_and_corners_of_the_mouth_are_pairs() -> None:
    template = face_template()
    for right, left in ((Part.RIGHT_EYE, Part.LEFT_EYE), (Part.RIGHT_BROW, Part.LEFT_BROW)):
        assert set(template.mirror[template.lines[right]]) == set(template.lines[left])
    assert set(template.mirror[template.lines[Part.NOSE_RIDGE]]) == set(template.lines[Part.NOSE_RIDGE])


def test_no_triangle_is_flipped_or_a_line_in_the_painted_picture() -> None:
    template = face_template()
    assert turned(template.uv, template.triangles).min() > 1e-6


def test_most_triangles_are_seen_from_the_front() -> None:
    template = face_template()
    assert (turned(template.points[:, :2], template.triangles) <= 0).mean() < 0.04  # before the ears, and inside lips


def test_all_points_are_used_and_lie_within_the_picture() -> None:
    template = face_template()
    assert set(np.unique(template.triangles)) == set(range(468))
    assert template.uv.min() > 0
    assert template.uv.max() < 1


def test_the_face_ends_at_its_oval_and_at_eyes_and_mouth() -> None:
    found = edges(face_template().triangles)
    assert set(found.values()) == {1, 2}
    border = {edge for edge, times in found.items() if times == 1}
    assert border == set().union(*(ring_edges(part) for part in (*OPENINGS, Part.OVAL)))


@pytest.mark.parametrize("part", OPENINGS)
def test_an_opening_is_free_of_triangles_and_filled_by_its_own(part: Part) -> None:
    template = face_template()
    ring = template.uv[template.lines[part]][:, None]

    def within(triangles: np.ndarray) -> int:
        middles = template.uv[triangles].mean(axis=1)
        return sum(cv2.pointPolygonTest(ring, (float(x), float(y)), False) > 0 for x, y in middles)

    assert within(template.triangles) == 0
    assert within(template.openings) == len(template.lines[part]) - 2


def test_cheeks_are_not_crushed() -> None:
    """In the painted picture a cheek has its share of the face's skin, as it has in space."""
    template = face_template()
    corners = template.points[template.triangles].astype(float)
    space = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    shares = turned(template.uv, template.triangles) / space
    shares /= np.median(shares)
    middles = corners.mean(axis=1)
    cheeks = (np.abs(middles[:, 0]) > 0.35) & (middles[:, 1] > 0.1)
    assert cheeks.sum() > 100
    assert shares[cheeks].min() > 0.6
    assert shares[cheeks].max() < 1.6


def test_arrays_are_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        face_template().points[0] = 0


def test_another_text_is_refused() -> None:
    with pytest.raises(ValueError, match="has no 'circle'"):
        parsed("# a remark\n\ncircle 1 2 3\n")
