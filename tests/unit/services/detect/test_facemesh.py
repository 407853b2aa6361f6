"""The landmark model on regions of real frames."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from services.detect.regions import Region


def test_several_regions_are_read_as_each_alone(finder: Any, clip: Any) -> None:
    (picture,) = clip("two_heads.mp4", 1)
    regions = [Region.of_face(face) for face in finder.find(picture)]
    together = finder._mesh.landmarks(picture, regions)
    for face, region in zip(together, regions, strict=True):
        (alone,) = finder._mesh.landmarks(picture, [region])
        np.testing.assert_allclose(face.landmarks_px, alone.landmarks_px, atol=0.01)


def test_no_region_is_no_face(finder: Any, clip: Any) -> None:
    (picture,) = clip("two_heads.mp4", 1)
    assert finder._mesh.landmarks(picture, []) == []


def test_a_region_without_a_face_is_not_believed(finder: Any, clip: Any) -> None:
    (picture,) = clip("signer_plain.mkv", 1)
    (face,) = finder._mesh.landmarks(picture, [Region((550, 250), 150, 0.0)])  # the blue board
    assert face.score < 0.5


@pytest.mark.parametrize("angle", [-0.15, 0.15])
def test_a_region_a_little_turned_gives_the_same_face(finder: Any, clip: Any, angle: float) -> None:
    (picture,) = clip("signer_plain.mkv", 1)
    (face,) = finder.find(picture)
    straight = Region.of_face(face)
    (turned,) = finder._mesh.landmarks(picture, [replace(straight, angle_rad=straight.angle_rad + angle)])
    off = np.linalg.norm((turned.landmarks_px - face.landmarks_px)[:, :2], axis=1).mean()
    assert off < 0.05 * np.linalg.norm(face.landmarks_px[33, :2] - face.landmarks_px[263, :2])
