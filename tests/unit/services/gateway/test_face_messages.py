"""Faces and times as messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from services.gateway.face_messages import face_messages, hop_messages
from shared.model.faces import Pose, Quality
from shared.model.hops import Hop

if TYPE_CHECKING:
    from shared.model.faces import Face


def test_a_face_keeps_all_that_is_known_of_it(face: Face) -> None:
    known = msgspec.structs.replace(face, quality=Quality.BLURRED, pose=Pose(-12.5, 3.25, 170))
    [told] = face_messages((known,))
    assert list(told.landmarks) == face.landmarks_px.ravel().tolist()
    assert (told.track, told.quality, told.pose.yaw, told.pose.roll) == (1, "blurred", -12.5, 170)
    assert told.box.x1 == pytest.approx(face.box_px[2])


def test_what_nobody_has_said_is_absent(face: Face) -> None:
    assert not face_messages((face,))[0].HasField("pose")


def test_hops_keep_their_order() -> None:
    told = hop_messages((Hop("ingest", 0.5, 2.5), Hop("detect", 0.25, 9.0)))
    assert [(one.name, one.waited_ms, one.worked_ms) for one in told] == [("ingest", 0.5, 2.5), ("detect", 0.25, 9.0)]
