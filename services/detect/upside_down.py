"""A detector that also sees people who stand on their heads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.detect.contracts import Detection
from shared.model.pictures import Picture

if TYPE_CHECKING:
    from services.detect.contracts import Detector

EVERY = 8
"""Of so many searches that see nobody one looks at the picture the other way up."""


class EitherWayUp:
    """A Detector on another, which sees heads that are turned by up to about 100 degrees to either side.

    Where it sees nobody it is shown the picture turned by half a turn: what is left of the circle.
    """

    def __init__(self, detector: Detector) -> None:
        self.keypoints = detector.keypoints
        self._detector = detector

    def warm_up(self) -> None:
        """Run the detector on every shape that will come; half a turn changes no shape."""
        self._detector.warm_up()

    def detect(self, picture: Picture, turn: int = 0) -> list[Detection]:
        """Every face, best first; those that are upside down only if no other is there."""
        seen = self._detector.detect(picture, turn)
        if seen or turn % EVERY:
            return seen
        turned = self._detector.detect(half_turned(picture), turn)
        return [_turned_back(one, picture.geometry.width, picture.geometry.height) for one in turned]


def half_turned(picture: Picture) -> Picture:
    """The picture the other way up, in memory of its own."""
    planes = tuple(np.ascontiguousarray(plane[::-1, ::-1]) for plane in picture.planes)
    return Picture(picture.geometry, picture.colour, planes)


def _turned_back(seen: Detection, width: int, height: int) -> Detection:
    x0, y0, x1, y1 = seen.box_px
    right, bottom = width - 1, height - 1
    points = (np.array([right, bottom]) - seen.keypoints_px).astype(np.float32)
    return Detection((right - x1, bottom - y1, right - x0, bottom - y0), points, seen.score)
