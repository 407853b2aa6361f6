"""What the finder asks of a detector and of a landmark model, whatever family they are of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from services.detect.cuda.pictures import CardPixels, CardView
    from services.detect.regions import Region
    from shared.model.faces import Face
    from shared.model.pictures import Picture

    Shown = Picture | CardView
    """A picture that faces are looked for in, on the host or on a card."""
    Spot = tuple[Shown, Region]
    Crops = NDArray[np.uint8] | CardPixels
    """RGB uint8 [n, size, size, 3], where the pictures lie that they were cut from."""
    Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Detection:
    """What a detector says of one face."""

    box_px: tuple[float, float, float, float]
    """x0, y0, x1, y1 in the picture."""
    keypoints_px: Floats
    """[n, 2] x, y in the picture; the first two are the right eye and the left."""
    score: float
    """0..1."""


class Detector(Protocol):
    """Finds faces in whole pictures. Calls may come from several threads."""

    keypoints: int
    """How many points each detection has."""

    def detect(self, picture: Shown, turn: int = 0) -> list[Detection]:
        """Every face with at least the detector's minimum score, best first.

        turn: which search of its session this is; at 0 the detector looks as thoroughly as it can, later it may spread
        that over several searches.
        """
        ...

    def detect_all(self, pictures: Sequence[Shown], turns: Sequence[int]) -> list[list[Detection]]:
        """The same of many pictures at once, each at its turn, which is quicker on a card: all lie on one, or none."""
        ...

    def warm_up(self) -> None:
        """Run on every shape that will come."""
        ...


class Landmarker(Protocol):
    """Places landmarks in crops. Calls may come from several threads."""

    points: int
    """Landmarks of a face: a value of shared.model.faces.Layout."""

    def region_of_detection(self, seen: Detection) -> Region:
        """Where to look for the landmarks of a face that a detector saw."""
        ...

    def region_of_face(self, face: Face) -> Region:
        """Where to look for those of a face of the frame before."""
        ...

    def crops(self, spots: Sequence[Spot]) -> Crops:
        """What `locate` takes, of 1 or more regions of pictures: all lie on one card, or none."""
        ...

    def locate(self, crops: Crops) -> tuple[Floats, Floats]:
        """For crops [n, size, size, 3]: landmarks [n, points, 3] in 0..1 of the crop's side, and presence [n], 0..1."""
        ...

    def warm_up(self, counts: Sequence[int] = (1,)) -> None:
        """Run on so many crops at once as will come."""
        ...
