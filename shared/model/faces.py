"""A face in one frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import msgspec
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LANDMARKS = 468
"""Points of the MediaPipe Face Mesh."""


class Face(msgspec.Struct, frozen=True):
    """One face: where it is and its dense landmarks, in pixels of the upright frame."""

    box_px: tuple[float, float, float, float]
    """x0, y0, x1, y1 around the landmarks; may reach over the picture's edge."""
    score: float
    """How sure the models are that this is a face, 0..1."""
    mesh: bytes
    """Landmarks as they travel: little-endian float32, [468, 3]."""
    track: int = 0
    """Who it is within its session, from 1; 0 as long as nobody has said."""

    @property
    def landmarks_px(self) -> NDArray[np.float32]:
        """[468, 3] float32, read-only: x, y in pixels; z in pixels too, smaller is nearer to the camera."""
        return np.frombuffer(self.mesh, "<f4").reshape(-1, 3)

    @classmethod
    def of(cls, landmarks_px: NDArray[np.float32], score: float) -> Self:
        """A face from its landmarks [468, 3]; the box is drawn tightly around them."""
        low, high = landmarks_px[:, :2].min(axis=0), landmarks_px[:, :2].max(axis=0)
        box = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
        return cls(box_px=box, score=float(score), mesh=np.ascontiguousarray(landmarks_px, "<f4").tobytes())

    def known_as(self, track: int) -> Self:
        """The same face with its identity."""
        return msgspec.structs.replace(self, track=track)

    def __repr__(self) -> str:
        return f"<Face track={self.track} score={self.score:.2f}>"


def face_document(face: Face) -> dict[str, Any]:
    """The face as it stands in answers and in `faces.jsonl`: track, score, box and landmarks in pixels."""
    return {
        "track": face.track,
        "score": round(face.score, 4),
        "box": [round(edge, 2) for edge in face.box_px],
        "landmarks": face.landmarks_px.astype(np.float64).round(2).tolist(),
    }
