"""Faces of a detector's own five points, without a landmark model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.detect.batching import Glance
from services.detect.watching import watched
from shared.model.faces import Face

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.detect.batching import Search
    from services.detect.contracts import Detection, Detector, Shown
    from services.detect.finding import How


class KeypointFinder:
    """A Finder: the detector looks at every frame, and its key points are the landmarks."""

    def __init__(self, detector: Detector, max_faces: int) -> None:
        """detector: one that gives the points of Layout.FIVE. max_faces: 1 or more."""
        self._detector = detector
        self._max_faces = max_faces

    def glance(self, picture: Shown, turn: int) -> list[Detection]:  # noqa: ARG002  -- a Finder
        """See Finder."""
        return self._detector.detect(picture)

    def watch(self, picture: Shown) -> Search[list[Detection]]:
        """See Finder."""
        return watched(self._detector, picture)

    def search(self, picture: Shown, hint: Sequence[Face] | None, how: How) -> Search[list[Face]]:  # noqa: ARG002  -- a Finder
        """See Finder."""
        # As thorough in every frame: faces would come and go with the turns.
        seen = how.seen if how.seen is not None else (yield Glance(self._detector, picture, 0))
        return [_face(one) for one in seen[: self._max_faces]]


def _face(seen: Detection) -> Face:
    """With the detector's own box: one drawn around five points would be a third of the face."""
    points = np.zeros((len(seen.keypoints_px), 3), "<f4")
    points[:, :2] = seen.keypoints_px
    return Face(box_px=seen.box_px, score=seen.score, points=points.tobytes())
