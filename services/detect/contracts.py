"""What the finder asks of a detector and of a landmark model, whatever family they are of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from services.detect.regions import Region
    from shared.model.faces import Face
    from shared.model.pictures import Picture

    Crops = NDArray[np.uint8]
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

    def detect(self, picture: Picture, turn: int = 0) -> list[Detection]:
        """Every face with at least the detector's minimum score, best first.

        turn: which search of its session this is; at 0 the detector looks as thoroughly as it can, later it may spread
        that over several searches.
        """
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

    def crop(self, picture: Picture, region: Region) -> Crops:
        """RGB uint8 [size, size, 3], as `locate` takes it."""
        ...

    def locate(self, crops: Crops) -> tuple[Floats, Floats]:
        """For crops [n, size, size, 3]: landmarks [n, points, 3] in 0..1 of the crop's side, and presence [n], 0..1."""
        ...

    def warm_up(self) -> None:
        """Run on every shape that will come."""
        ...
