"""dlib's 68 landmarks as a landmark model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from services.detect.cropping import CropRule
from services.detect.cuda.pictures import CardPixels
from services.detect.models.families.dlib68 import POINTS, load_predictor
from services.detect.models.mirroring import DOUBTFUL, MIRRORED_68, OUTER_EYES
from services.detect.models.store import sha256_of
from services.detect.sampling import sample_all
from shared.model.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from services.detect.contracts import Crops, Detection, Floats, Spot
    from services.detect.regions import Region
    from shared.model.faces import Face

_MARGIN = 1.6
"""Side of the crop over that of the square in its middle that dlib takes for the face."""
_RULE = CropRule(of_points=_MARGIN, of_detection=_MARGIN)


class DlibLandmarker:
    """A predictor of dlib's, asked for each crop and for its mirror image: how far they agree is its presence."""

    def __init__(self, path: Path, sha256: str, size_px: int) -> None:
        """Load the predictor at `path`; sha256: what the file must hash to; size_px: side of the crop.

        Raises Misconfigured if dlib is not installed, or the file is missing or another one.
        """
        self.points = POINTS
        self._size_px = size_px
        if not path.is_file() or sha256_of(path.read_bytes()) != sha256:
            raise Misconfigured(f"The model {path} is not the one that was added; add it again.")
        dlib, self._predictor = load_predictor(path, path.name)
        edge = round(size_px * (1 - 1 / _MARGIN) / 2)
        self._middle = dlib.rectangle(edge, edge, size_px - edge - 1, size_px - edge - 1)

    def warm_up(self, counts: Sequence[int] = (1,)) -> None:  # noqa: ARG002  -- a Landmarker; it takes one by one
        """Run on one crop."""
        self.locate(np.zeros((1, self._size_px, self._size_px, 3), np.uint8))

    def region_of_detection(self, seen: Detection) -> Region:
        """Around a detector's box, turned by its eyes."""
        return _RULE.around_detection(seen)

    def region_of_face(self, face: Face) -> Region:
        """Around the landmarks of the frame before."""
        return _RULE.around_face(face)

    def crops(self, spots: Sequence[Spot]) -> Crops:
        """See Landmarker."""
        size = (self._size_px, self._size_px)
        shots = [(picture, region.affine(self._size_px)) for picture, region in spots]
        return sample_all(shots, size, black_outside=False)

    def locate(self, crops: Crops) -> tuple[Floats, Floats]:
        """Landmarks [n, 68, 3] in 0..1 of the crop's side, and presence [n], 0..1, for crops [n, size, size, 3].

        dlib reads them on the host: from a card they are fetched.
        """
        if isinstance(crops, CardPixels):
            crops = crops.downloaded()
        straight = np.stack([self._places(crop) for crop in crops])
        mirrored = np.stack([self._places(np.ascontiguousarray(crop[:, ::-1])) for crop in crops])
        back = mirrored[:, list(MIRRORED_68)] * (-1, 1) + (1, 0)
        mean = (straight + back) / 2
        eyes = np.linalg.norm(mean[:, OUTER_EYES[0]] - mean[:, OUTER_EYES[1]], axis=1)
        apart = np.linalg.norm(straight - back, axis=2).mean(axis=1)
        presence = np.clip(1 - apart / np.maximum(eyes, 1e-6) * 0.5 / DOUBTFUL, 0, 1)
        landmarks = np.concatenate([mean, np.zeros_like(mean[:, :, :1])], axis=2)
        return landmarks.astype(np.float32), presence.astype(np.float32)

    def _places(self, crop: NDArray[np.uint8]) -> Any:
        """[68, 2] in 0..1 of the crop's side."""
        shape = self._predictor(crop, self._middle)
        return np.array([(part.x, part.y) for part in shape.parts()]) / self._size_px
