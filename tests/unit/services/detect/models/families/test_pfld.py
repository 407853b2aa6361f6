"""A PFLD on real crops, against the mesh."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from services.detect.cropping import rule_of
from services.detect.landmarker import GraphLandmarker
from services.detect.models.families.pfld import compose
from services.detect.models.registry import Family
from services.detect.regions import Region
from shared.model.errors import Misconfigured
from shared.model.faces import Face

if TYPE_CHECKING:
    from numpy.typing import NDArray

PAIRS = ((36, 33), (39, 133), (42, 362), (45, 263), (30, 4), (48, 61), (54, 291), (8, 152))
"""Corners of the eyes, tip of the nose, corners of the mouth and chin, here and in the mesh."""


@pytest.fixture
def landmarker(published: Any, opened: Any) -> GraphLandmarker:
    composed = compose("pfld", published("pfld_68.onnx"))
    rule = rule_of(Family.PFLD, composed.points)
    engine = opened(composed.content)
    return GraphLandmarker(engine, size_px=composed.size_px, points=composed.points, rule=rule)


def located(landmarker: GraphLandmarker, picture: Any, region: Region) -> Face:
    points, presence = landmarker.locate(landmarker.crops([(picture, region)]))
    return Face.of(region.placed(points[0]), float(presence[0]))


def off(face: Face, mesh: NDArray[Any]) -> float:
    """Mean distance at the points that both have, in parts of the distance between the outer corners of the eyes."""
    ours, theirs = (list(numbers) for numbers in zip(*PAIRS, strict=True))
    apart = np.linalg.norm(face.landmarks_px[ours, :2] - mesh[theirs, :2], axis=1).mean()
    return float(apart / np.linalg.norm(mesh[33, :2] - mesh[263, :2]))


@pytest.fixture
def seen(finder: Any) -> Any:
    """A picture's faces as detections, and their meshes in the same order."""

    def look(picture: Any) -> list[tuple[Any, NDArray[Any]]]:
        meshes = [face.landmarks_px for face in finder.find(picture)]
        detections = finder._detector.detect(picture)
        nearest = [min(meshes, key=lambda m: abs(m[:, 0].mean() - d.keypoints_px[:, 0].mean())) for d in detections]
        return list(zip(detections, nearest, strict=True))

    return look


@pytest.mark.parametrize(("name", "most"), [("signer_plain.mkv", 0.06), ("two_heads.mp4", 0.04)])
def test_points_are_where_the_mesh_has_them(
    landmarker: GraphLandmarker, seen: Any, clip: Any, name: str, most: float
) -> None:
    distances = []
    for picture in clip(name, 21)[::5]:
        for detection, mesh in seen(picture):
            rough = located(landmarker, picture, landmarker.region_of_detection(detection))
            fine = located(landmarker, picture, landmarker.region_of_face(rough))
            assert fine.score > 0.5
            distances.append(off(fine, mesh))
    assert np.median(distances) < most


def test_following_neither_drifts_nor_swells(landmarker: GraphLandmarker, seen: Any, clip: Any) -> None:
    (picture,) = clip("signer_720p.mp4", 1)
    ((detection, mesh),) = seen(picture)
    face = located(landmarker, picture, landmarker.region_of_detection(detection))
    for _ in range(300):
        face = located(landmarker, picture, landmarker.region_of_face(face))
    assert off(face, mesh) < 0.05


def test_few_crops_without_a_face_are_believed(landmarker: GraphLandmarker, clip: Any) -> None:
    (picture,) = clip("signer_plain.mkv", 1)
    centres = [(x, y) for x in (60, 150, 450, 550) for y in range(60, 460, 40)]  # left and right of the signer
    scores = [located(landmarker, picture, Region((x, y), 100, 0.0)).score for x, y in centres]
    assert np.mean(np.array(scores) < 0.5) > 0.85


def test_a_detector_is_refused(published: Any) -> None:
    with pytest.raises(Misconfigured, match="a PFLD for 68 points"):
        compose("scrfd", published("scrfd_500m_kps.onnx"))


def test_a_model_that_does_not_say_its_size_is_refused(published: Any) -> None:
    with pytest.raises(Misconfigured, match="does not say the size"):
        compose("yunet", published("yunet_n_dynamic.onnx"))
