"""A detector that also sees people who stand on their heads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.detect.contracts import Detection
from services.detect.cuda.pictures import CardView
from shared.model.pictures import Picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.detect.contracts import Detector, Shown

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

    def detect(self, picture: Shown, turn: int = 0) -> list[Detection]:
        """Every face, best first; those that are upside down only if no other is there."""
        [seen] = self.detect_all([picture], [turn])
        return seen

    def detect_all(self, pictures: Sequence[Shown], turns: Sequence[int]) -> list[list[Detection]]:
        """See Detector."""
        found = self._detector.detect_all(pictures, turns)
        nobody = [number for number, seen in enumerate(found) if not seen and not turns[number] % EVERY]
        if nobody:
            turned = [half_turned(pictures[number]) for number in nobody]
            there = self._detector.detect_all(turned, [turns[number] for number in nobody])
            for number, seen in zip(nobody, there, strict=True):
                size = pictures[number].geometry
                found[number] = [_turned_back(one, size.width, size.height) for one in seen]
        return found


def half_turned(picture: Shown) -> Shown:
    """The picture the other way up, on the host in memory of its own."""
    if isinstance(picture, CardView):
        return picture.half_turned()
    planes = tuple(np.ascontiguousarray(plane[::-1, ::-1]) for plane in picture.planes)
    return Picture(picture.geometry, picture.colour, planes)


def _turned_back(seen: Detection, width: int, height: int) -> Detection:
    x0, y0, x1, y1 = seen.box_px
    right, bottom = width - 1, height - 1
    points = (np.array([right, bottom]) - seen.keypoints_px).astype(np.float32)
    return Detection((right - x1, bottom - y1, right - x0, bottom - y0), points, seen.score)
