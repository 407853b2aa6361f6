"""dlib's predictor, trained by the test on a few frames: no file of dlib's own is needed."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from services.detect.dlib68 import DlibLandmarker
from services.detect.models.store import sha256_of
from services.detect.sampling import sample_rgb
from shared.model.errors import Misconfigured
from shared.model.faces import Face

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SIZE_PX = 200
IBUG_OF_MESH = (
    *(127, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 356),
    *(70, 63, 105, 66, 107, 336, 296, 334, 293, 300),
    *(168, 197, 5, 4, 75, 97, 2, 326, 305),
    *(33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380),
    *(61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87),
)
"""Counterparts of the 68 points in the mesh, near enough to train on."""


def points_of(finder: Any, picture: Any) -> NDArray[np.float32]:
    """What is to be learnt: [68, 3]."""
    (face,) = finder.find(picture)
    points: NDArray[np.float32] = face.landmarks_px[list(IBUG_OF_MESH)]
    return points


@pytest.fixture(scope="module")
def trained(finder: Any, clip: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A predictor that knows one face, from crops as the landmark model cuts them and from their mirror images."""
    dlib = pytest.importorskip("dlib", reason="dlib is an optional extra, and it is not installed")
    from services.detect.dlib68 import _MARGIN, _RULE  # noqa: PLC0415  -- of no use without dlib
    from services.detect.models.mirroring import MIRRORED_68  # noqa: PLC0415

    edge = round(SIZE_PX * (1 - 1 / _MARGIN) / 2)
    middle = dlib.rectangle(edge, edge, SIZE_PX - edge - 1, SIZE_PX - edge - 1)
    crops, shapes = [], []
    for picture in clip("signer_720p.mp4", 60)[::6]:
        points = points_of(finder, picture)
        region = _RULE.around_face(Face.of(points, 1.0))
        affine = region.affine(SIZE_PX)
        crop = sample_rgb(picture, affine, (SIZE_PX, SIZE_PX), black_outside=False)
        places = (points[:, :2] - affine[:, 2]) @ np.linalg.inv(affine[:, :2]).T
        mirrored = places[list(MIRRORED_68)] * (-1, 1) + (SIZE_PX - 1, 0)
        for image, parts in ((crop, places), (np.ascontiguousarray(crop[:, ::-1]), mirrored)):
            crops.append(image)
            corners = [dlib.point(round(x), round(y)) for x, y in parts.tolist()]
            shapes.append([dlib.full_object_detection(middle, corners)])
    options = dlib.shape_predictor_training_options()
    options.tree_depth, options.cascade_depth, options.num_trees_per_cascade_level = 3, 4, 40
    path = tmp_path_factory.mktemp("dlib") / "small.dat"
    dlib.train_shape_predictor(crops, shapes, options).save(str(path))
    return path


def landmarker(path: Path) -> DlibLandmarker:
    return DlibLandmarker(path, sha256_of(path.read_bytes()), SIZE_PX)


def test_points_are_where_they_were_taught(trained: Path, finder: Any, clip: Any) -> None:
    predictor = landmarker(trained)
    for picture in clip("signer_720p.mp4", 60)[3::12]:
        expected = points_of(finder, picture)
        region = predictor.region_of_face(Face.of(expected, 1.0))
        points, presence = predictor.locate(predictor.crops([(picture, region)]))
        assert points.shape == (1, 68, 3)
        apart = np.linalg.norm((region.placed(points[0]) - expected)[:, :2], axis=1).mean()
        assert apart / np.linalg.norm(expected[36, :2] - expected[45, :2]) < 0.08
        assert presence[0] > 0.3


def test_another_file_is_refused(trained: Path) -> None:
    with pytest.raises(Misconfigured, match="not the one that was added"):
        DlibLandmarker(trained, sha256_of(b"another"), SIZE_PX)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="not the one that was added"):
        DlibLandmarker(tmp_path / "none.dat", "", SIZE_PX)


@pytest.mark.skipif(importlib.util.find_spec("dlib") is not None, reason="dlib is installed")
def test_without_dlib_the_model_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "m.dat").write_bytes(b"")
    with pytest.raises(Misconfigured, match="needs dlib, which is not installed"):
        landmarker(tmp_path / "m.dat")
