"""A landmark model whose graph gives the points of the face in each crop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.detect.cuda.pictures import CardPixels
from services.detect.regions import Region
from services.detect.sampling import sample_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.detect.contracts import Crops, Detection, Floats, Spot
    from services.detect.cropping import CropRule
    from services.detect.engine import Engine
    from shared.model.faces import Face


class GraphLandmarker:
    """A landmark model on an opened engine; its graph's inputs and outputs: `services.detect.models.ports`."""

    def __init__(self, engine: Engine, *, size_px: int, points: int, rule: CropRule | None = None) -> None:
        """size_px: side of the crop; points: landmarks of a face; rule: how much is cropped, None: as for the mesh."""
        self.points = points
        self._rule = rule
        self._engine = engine
        self._size_px = size_px

    def warm_up(self, counts: Sequence[int] = (1,)) -> None:
        """Run on so many crops at once as will come."""
        for count in counts:
            image = (count, self._size_px, self._size_px, 3)
            self._engine.warm_up({"image": image}, on_cards=False)
            self._engine.hold(image, **self._shapes(count))

    def region_of_detection(self, seen: Detection) -> Region:
        """Around a detector's box, turned by its eyes."""
        if self._rule is not None:
            return self._rule.around_detection(seen)
        return Region.of_detection(seen.box_px, seen.keypoints_px)

    def region_of_face(self, face: Face) -> Region:
        """Around the landmarks of the frame before."""
        return Region.of_face(face) if self._rule is None else self._rule.around_face(face)

    def crops(self, spots: Sequence[Spot]) -> Crops:
        """See Landmarker."""
        size = (self._size_px, self._size_px)
        shots = [(picture, region.affine(self._size_px)) for picture, region in spots]
        return sample_all(shots, size, black_outside=False)

    def locate(self, crops: Crops) -> tuple[Floats, Floats]:
        """Landmarks [n, points, 3] in 0..1 of the crop's side and presence [n], 0..1, for crops [n, size, size, 3]."""
        if isinstance(crops, CardPixels) and self._engine.is_on(crops.device):
            with self._engine.timed(len(crops)):
                found = self._engine.run_into(crops, **self._shapes(len(crops))).downloaded()
        else:
            found = self._engine.run(image=crops)
        return np.asarray(found["landmarks"] / self._size_px, np.float32), found["presence"]

    def _shapes(self, count: int) -> dict[str, tuple[int, ...]]:
        return {"landmarks": (count, self.points, 3), "presence": (count,)}
