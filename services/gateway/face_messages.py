"""Faces and times as messages of the RPC contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from visavis.v1 import pictures_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.model.faces import Face, Pose
    from shared.model.hops import Hop


def face_messages(faces: Iterable[Face]) -> list[pictures_pb2.Face]:
    """Every face, with its landmarks flat."""
    return [
        pictures_pb2.Face(
            track=face.track,
            score=face.score,
            box=pictures_pb2.Box(x0=face.box_px[0], y0=face.box_px[1], x1=face.box_px[2], y1=face.box_px[3]),
            landmarks=face.landmarks_px.ravel().tolist(),
            quality=face.quality,
            pose=_pose(face.pose) if face.pose else None,
        )
        for face in faces
    ]


def hop_messages(hops: Iterable[Hop]) -> list[pictures_pb2.Hop]:
    """What every service waited and worked."""
    return [pictures_pb2.Hop(name=hop.name, waited_ms=hop.waited_ms, worked_ms=hop.worked_ms) for hop in hops]


def _pose(pose: Pose) -> pictures_pb2.Pose:
    return pictures_pb2.Pose(yaw=pose.yaw, pitch=pose.pitch, roll=pose.roll)
