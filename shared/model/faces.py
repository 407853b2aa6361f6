"""A face in one frame."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any, Self

import msgspec
import numpy as np

from shared.model.decimals import points_json

if TYPE_CHECKING:
    from numpy.typing import NDArray

LANDMARKS = 468
"""Points of the MediaPipe Face Mesh."""


class Layout(IntEnum):
    """Which points a face has; the value is how many. "Right" is the person's own, as everywhere."""

    MESH = LANDMARKS
    """The MediaPipe Face Mesh, with depth."""
    IBUG = 68
    """iBUG 300-W: jaw 0..16 from the right ear, brows 17..26, nose 27..35, eyes 36..47, lips 48..67."""
    FIVE = 5
    """Centre of the right eye, of the left eye, tip of the nose, right and left corner of the mouth."""


class Quality(StrEnum):
    """The first thing, in this order, that speaks against using a face, or that nothing does."""

    GOOD = "good"
    OUT_OF_FRAME = "out-of-frame"
    """A part of it lies beyond the picture's edge."""
    TOO_SMALL = "too-small"
    """Landmarks are coarse: its eyes are less than 12 pixels apart."""
    BLURRED = "blurred"
    """Out of focus, moved or enlarged."""
    OCCLUDED = "occluded"
    """Something is before an eye or a third of the face; what hides less is not told, nor are dark glasses."""


class Pose(msgspec.Struct, frozen=True, array_like=True):
    """How a head is turned, degrees; all zero looks straight into the camera."""

    yaw: float
    """Positive: to the person's own left, the right-hand side of the picture. -90..90 is seen well."""
    pitch: float
    """Positive: upwards."""
    roll: float
    """Positive: the head's top tilts to the right-hand side of the picture. -180..180."""


class Face(msgspec.Struct, frozen=True):
    """One face: where it is and its landmarks, in pixels of the upright frame."""

    box_px: tuple[float, float, float, float]
    """x0, y0, x1, y1 around the landmarks, or the detector's own where these are its five points; may reach over the
    picture's edge."""
    score: float
    """How sure the models are that this is a face, 0..1."""
    points: bytes
    """Landmarks as they travel: little-endian float32, [n, 3]."""
    track: int = 0
    """Who it is within its session, from 1; 0 as long as nobody has said."""
    quality: Quality = Quality.GOOD
    pose: Pose | None = None
    """None as long as nobody has said."""

    @property
    def landmarks_px(self) -> NDArray[np.float32]:
        """[n, 3] float32, read-only: x, y in pixels; z in pixels too, smaller is nearer to the camera.

        n is the layout's number of points; layouts without depth have z = 0.
        """
        return np.frombuffer(self.points, "<f4").reshape(-1, 3)

    @property
    def layout(self) -> Layout:
        """Which points these are."""
        return Layout(len(self.points) // 12)

    @classmethod
    def of(cls, landmarks_px: NDArray[np.float32], score: float) -> Self:
        """A face from its landmarks [n, 3]; the box is drawn tightly around them."""
        rows = np.ascontiguousarray(landmarks_px[:, :2].T)  # along rows the extremes take a third of the time
        (x0, y0), (x1, y1) = rows.min(axis=1).tolist(), rows.max(axis=1).tolist()
        return cls(
            box_px=(x0, y0, x1, y1), score=float(score), points=np.ascontiguousarray(landmarks_px, "<f4").tobytes()
        )

    def known_as(self, track: int) -> Self:
        """The same face with its identity."""
        return msgspec.structs.replace(self, track=track)

    def __repr__(self) -> str:
        return f"<Face track={self.track} score={self.score:.2f}>"


def face_document(face: Face) -> dict[str, Any]:
    """The face as it stands in answers and in `faces.jsonl`, for msgspec's JSON encoder; box and landmarks in pixels.

    The landmarks are as many as the layout has, x, y, z each; pose is null as long as nobody has said.
    """
    return {
        "track": face.track,
        "score": round(face.score, 4),
        "box": [round(edge, 2) for edge in face.box_px],
        "quality": face.quality.value,
        "pose": face.pose and {name: round(getattr(face.pose, name), 1) for name in Pose.__struct_fields__},
        "landmarks": points_json(face.landmarks_px),
    }
