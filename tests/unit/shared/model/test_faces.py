from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest

from shared.model.faces import LANDMARKS, Face, Layout, Pose, Quality, face_document

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Points = NDArray[np.float32]


@pytest.fixture
def landmarks_px() -> Points:
    return np.random.default_rng(7).uniform(-20, 500, (LANDMARKS, 3)).astype(np.float32)


def test_a_face_keeps_its_landmarks_to_the_bit(landmarks_px: Points) -> None:
    assert np.array_equal(Face.of(landmarks_px, 0.9).landmarks_px, landmarks_px)


def test_landmarks_in_another_order_in_memory_are_the_same(landmarks_px: Points) -> None:
    assert Face.of(np.asfortranarray(landmarks_px), 0.9) == Face.of(landmarks_px, 0.9)


def test_the_box_is_drawn_tightly_around_them(landmarks_px: Points) -> None:
    x0, y0, x1, y1 = Face.of(landmarks_px, 0.9).box_px
    assert (x0, y0) == tuple(landmarks_px[:, :2].min(axis=0))
    assert (x1, y1) == tuple(landmarks_px[:, :2].max(axis=0))


def test_landmarks_cannot_be_written(landmarks_px: Points) -> None:
    with pytest.raises(ValueError, match="read-only"):
        Face.of(landmarks_px, 0.9).landmarks_px[0, 0] = 1


def test_a_face_survives_the_wire_with_its_identity(landmarks_px: Points) -> None:
    face = Face.of(landmarks_px, 0.9).known_as(3)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(face), type=Face) == face
    assert face.track == 3


def test_a_face_in_a_log_shows_no_landmarks(landmarks_px: Points) -> None:
    assert repr(Face.of(landmarks_px, 0.9)) == "<Face track=0 score=0.90>"


def document(face: Face) -> Any:
    return json.loads(msgspec.json.encode(face_document(face)))


def test_the_document_has_what_the_public_contract_says(landmarks_px: Points) -> None:
    face = msgspec.structs.replace(Face.of(landmarks_px, 1 / 3).known_as(1), quality=Quality.TOO_SMALL)
    said = document(msgspec.structs.replace(face, pose=Pose(-12.345, 0.06, 179.96)))
    assert list(said) == ["track", "score", "box", "quality", "pose", "landmarks"]
    assert (said["score"], said["quality"]) == (0.3333, "too-small")
    assert said["pose"] == {"yaw": -12.3, "pitch": 0.1, "roll": 180.0}
    assert np.allclose(said["landmarks"], landmarks_px, atol=0.0051)


def test_the_document_of_a_face_whose_pose_nobody_has_said_has_none(landmarks_px: Points) -> None:
    assert document(Face.of(landmarks_px, 1.0))["pose"] is None


@pytest.mark.parametrize("layout", list(Layout))
def test_the_layout_is_told_by_the_number_of_points(layout: Layout) -> None:
    assert Face.of(np.ones((layout, 3), np.float32), 1.0).layout is layout
