"""A detector whose graph gives boxes, key points and scores of the faces in a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.detect.contracts import Detection
from services.detect.regions import distinct, overlap
from services.detect.sampling import sample_rgb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.detect.engine import Engine
    from shared.model.pictures import Picture

MIN_SCORE = 0.5
"""MediaPipe's default for faces (min_detection_confidence)."""
SAME_FACE = 0.3
"""Boxes from two sizes with a larger intersection over union are one face (as within one size: models.suppression)."""


class GraphDetector:
    """A detector on an opened engine; the graph's inputs and outputs are those of `services.detect.models.ports`."""

    def __init__(
        self,
        engine: Engine,
        *,
        size_px: int,
        multiple_px: int,
        keypoints: int = 6,
        min_score: float = MIN_SCORE,
        more_px: Sequence[int] = (),
    ) -> None:
        """size_px: longer side of the picture that the model sees; multiple_px: what its sides are multiples of.

        more_px: longer sides at which it is shown the picture once more: a model that was trained on a certain range of
        face sizes finds larger faces in a smaller picture.
        """
        self.keypoints = keypoints
        self._engine = engine
        self._sizes_px, self._multiple_px = (size_px, *more_px), multiple_px
        self._min_score = np.array([min_score], np.float32)

    def at(self, size_px: int, min_score: float | None = None) -> GraphDetector:
        """The same model on the same engine, shown pictures of another size, or asked for another score."""
        return GraphDetector(
            self._engine,
            size_px=size_px,
            multiple_px=self._multiple_px,
            keypoints=self.keypoints,
            min_score=float(self._min_score[0]) if min_score is None else min_score,
        )

    def warm_up(self) -> None:
        """Run on the shapes of 16:9, 4:3 and square pictures, upright ones too."""
        for size_px in self._sizes_px:
            for width, height in ((16, 9), (4, 3), (1, 1), (3, 4), (9, 16)):
                columns, rows = self._input_size(size_px, width, height)
                self._engine.warm_up({"image": (1, rows, columns, 3), "min_score": (1,)})

    def detect(self, picture: Picture, turn: int = 0) -> list[Detection]:  # noqa: ARG002  -- a Detector
        """Every face with at least the minimum score, best first."""
        first, *more = (self._detect_at(size_px, picture) for size_px in self._sizes_px)
        for others in more:
            first = _merged(first, others)
        return first

    def _detect_at(self, size_px: int, picture: Picture) -> list[Detection]:
        """The picture is scaled to the model's size by its longer side and centred on black, as in MediaPipe's graphs;
        of the black only so much is kept as the model's strides ask for, which saves a third of the work on 16:9.
        """
        width, height = picture.geometry.width, picture.geometry.height
        columns, rows = self._input_size(size_px, width, height)
        scale = max(width, height) / size_px
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

    def _input_size(self, size_px: int, width: int, height: int) -> tuple[int, int]:
        step = self._multiple_px
        columns, rows = (-(-size_px * n // (max(width, height) * step)) * step for n in (width, height))
        return columns, rows


def _merged(ours: list[Detection], theirs: list[Detection]) -> list[Detection]:
    """Both lists as one, best first; of two that show one face the surer stays."""
    return distinct(
        sorted((*ours, *theirs), key=lambda one: -one.score),
        lambda one, other: overlap(one.box_px, other.box_px) > SAME_FACE,
    )
