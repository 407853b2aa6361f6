"""BlazeFace: boxes and six key points of the faces in a picture of any size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from services.detect.sampling import sample_rgb

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from services.detect.engine import Engine
    from services.detect.models.registry import Model
    from shared.model.pictures import Picture

MIN_SCORE = 0.5
"""MediaPipe's default for faces (min_detection_confidence)."""


@dataclass(frozen=True, slots=True)
class Detection:
    """What a detector says of one face."""

    box_px: tuple[float, float, float, float]
    """x0, y0, x1, y1 in the picture."""
    keypoints_px: NDArray[np.float32]
    """[6, 2] x, y in the picture: right eye, left eye, nose, mouth, right ear, left ear."""
    score: float
    """0..1."""


class BlazeFace:
    """A detector of the blazeface family on an opened engine."""

    def __init__(self, engine: Engine, model: Model, min_score: float = MIN_SCORE) -> None:
        self._engine = engine
        self._model = model
        self._min_score = np.array([min_score], np.float32)

    def warm_up(self) -> None:
        """Run on the shapes of 16:9, 4:3 and square pictures."""
        for width, height in ((16, 9), (4, 3), (1, 1)):
            columns, rows = self._input_size(width, height)
            self._engine.warm_up({"image": (1, rows, columns, 3), "min_score": (1,)})

    def detect(self, picture: Picture) -> list[Detection]:
        """Every face with at least the minimum score, best first.

        The picture is scaled to the model's size by its longer side and centred on black, as in MediaPipe's graphs; of
        the black only so much is kept as the model's strides ask for, which saves a third of the work on 16:9.
        """
        width, height = picture.geometry.width, picture.geometry.height
        columns, rows = self._input_size(width, height)
        scale = max(width, height) / self._model.size_px
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
        side, step = self._model.size_px, self._model.multiple_px
        columns, rows = (-(-side * n // (max(width, height) * step)) * step for n in (width, height))
        return columns, rows
