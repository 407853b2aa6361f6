"""A detector whose graph gives boxes, key points and scores of the faces in a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.detect.contracts import Detection
from services.detect.sampling import sample_rgb

if TYPE_CHECKING:
    from services.detect.engine import Engine
    from shared.model.pictures import Picture

MIN_SCORE = 0.5
"""MediaPipe's default for faces (min_detection_confidence)."""


class GraphDetector:
    """A detector on an opened engine; the graph's inputs and outputs are those of `services.detect.models.convert`."""

    def __init__(
        self, engine: Engine, *, size_px: int, multiple_px: int, keypoints: int = 6, min_score: float = MIN_SCORE
    ) -> None:
        """size_px: longer side of the picture that the model sees; multiple_px: what its sides are multiples of."""
        self.keypoints = keypoints
        self._engine = engine
        self._size_px, self._multiple_px = size_px, multiple_px
        self._min_score = np.array([min_score], np.float32)

    def warm_up(self) -> None:
        """Run on the shapes of 16:9, 4:3 and square pictures."""
        for width, height in ((16, 9), (4, 3), (1, 1)):
            columns, rows = self._input_size(width, height)
            self._engine.warm_up({"image": (1, rows, columns, 3), "min_score": (1,)})

    def detect(self, picture: Picture, turn: int = 0) -> list[Detection]:  # noqa: ARG002  -- a Detector
        """Every face with at least the minimum score, best first.

        The picture is scaled to the model's size by its longer side and centred on black, as in MediaPipe's graphs; of
        the black only so much is kept as the model's strides ask for, which saves a third of the work on 16:9.
        """
        width, height = picture.geometry.width, picture.geometry.height
        columns, rows = self._input_size(width, height)
        scale = max(width, height) / self._size_px
        origin = (width / 2 - scale * columns / 2, height / 2 - scale * rows / 2)
        affine = np.array([[scale, 0, origin[0]], [0, scale, origin[1]]])
        image = sample_rgb(picture, affine, (columns, rows), black_outside=True)
        found = self._engine.run(image=image[None], min_score=self._min_score)
        boxes = found["boxes"] * scale + (*origin, *origin)
        keypoints = (found["keypoints"] * scale + origin).astype(np.float32)
        return [
            Detection(tuple(box.tolist()), points, float(score))
            for box, points, score in zip(boxes, keypoints, found["scores"], strict=True)
        ]

    def _input_size(self, width: int, height: int) -> tuple[int, int]:
        side, step = self._size_px, self._multiple_px
        columns, rows = (-(-side * n // (max(width, height) * step)) * step for n in (width, height))
        return columns, rows
