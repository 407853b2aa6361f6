"""The landmark model on regions of real frames."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from services.detect.regions import Region


def located(finder: Any, picture: Any, regions: list[Region]) -> list[Any]:
    landmarker = finder._landmarker
    landmarks, _ = landmarker.locate(landmarker.crops([(picture, region) for region in regions]))
    return [region.placed(points) for region, points in zip(regions, landmarks, strict=True)]


def test_several_regions_are_read_as_each_alone(finder: Any, clip: Any) -> None:
    (picture,) = clip("two_heads.mp4", 1)
    regions = [Region.of_face(face) for face in finder.find(picture)]
    together = located(finder, picture, regions)
    for points, region in zip(together, regions, strict=True):
        (alone,) = located(finder, picture, [region])
        np.testing.assert_allclose(points, alone, atol=0.01)


def test_a_region_without_a_face_is_not_believed(finder: Any, clip: Any) -> None:
    (picture,) = clip("signer_plain.mkv", 1)
    landmarker = finder._landmarker
    _, presence = landmarker.locate(landmarker.crops([(picture, Region((550, 250), 150, 0.0))]))  # the blue board
    assert presence[0] < 0.5


@pytest.mark.parametrize("angle", [-0.15, 0.15])
def test_a_region_a_little_turned_gives_the_same_face(finder: Any, clip: Any, angle: float) -> None:
    (picture,) = clip("signer_plain.mkv", 1)
    (face,) = finder.find(picture)
    straight = Region.of_face(face)
    (turned,) = located(finder, picture, [replace(straight, angle_rad=straight.angle_rad + angle)])
    off = np.linalg.norm((turned - face.landmarks_px)[:, :2], axis=1).mean()
    assert off < 0.05 * np.linalg.norm(face.landmarks_px[33, :2] - face.landmarks_px[263, :2])
