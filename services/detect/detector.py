"""A detector whose graph gives boxes, key points and scores of the faces in a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.detect.contracts import Detection
from services.detect.cuda.heads import Faces
from services.detect.cuda.pictures import CardPixels, CardView
from services.detect.regions import distinct, overlap
from services.detect.sampling import sample_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from services.detect.contracts import Crops, Shown
    from services.detect.cuda.heads import CardHead
    from services.detect.engine import Engine
    from shared.model.pictures import Geometry

    Affine = NDArray[np.float64]

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
        head: CardHead | None = None,
    ) -> None:
        """size_px: longer side of the picture that the model sees; multiple_px: what its sides are multiples of.

        more_px: longer sides at which it is shown the picture once more: a model that was trained on a certain range of
        face sizes finds larger faces in a smaller picture.
        head: looks at many pictures at once where they lie on its card.
        """
        self.keypoints = keypoints
        self._engine = engine
        self._sizes_px, self._multiple_px = (size_px, *more_px), multiple_px
        self._min_score = np.array([min_score], np.float32)
        self._head = head

    def at(self, size_px: int, min_score: float | None = None) -> GraphDetector:
        """The same model on the same engine, shown pictures of another size, or asked for another score."""
        return GraphDetector(
            self._engine,
            size_px=size_px,
            multiple_px=self._multiple_px,
            keypoints=self.keypoints,
            min_score=float(self._min_score[0]) if min_score is None else min_score,
            head=self._head,
        )

    def warm_up(self) -> None:
        """Run on the shapes of 16:9, 4:3 and square pictures; on the host upright ones too."""
        self.warm_up_host()
        self.warm_up_head((16, 9), (4, 3), (1, 1))

    def warm_up_host(self) -> None:
        """The same for pictures on the host alone."""
        for size_px in self._sizes_px:
            for width, height in ((16, 9), (4, 3), (1, 1), (3, 4), (9, 16)):
                columns, rows = self._input_size(size_px, width, height)
                self._engine.warm_up({"image": (1, rows, columns, 3), "min_score": (1,)})

    def warm_up_head(self, *shapes: tuple[int, int]) -> None:
        """Be ready for pictures on cards, where there is a head for them, of these shapes and in squares."""
        if self._head is not None:
            for size_px in self._sizes_px:
                for width, height in shapes:
                    self._head.warm_up(*self._input_size(size_px, width, height))

    def detect(self, picture: Shown, turn: int = 0) -> list[Detection]:
        """Every face with at least the minimum score, best first."""
        [seen] = self.detect_all([picture], [turn])
        return seen

    def detect_all(self, pictures: Sequence[Shown], turns: Sequence[int] = ()) -> list[list[Detection]]:  # noqa: ARG002  -- a Detector
        """See Detector."""
        first, *more = (self._detect_at(size_px, pictures) for size_px in self._sizes_px)
        for others in more:
            first = [_merged(ours, theirs) for ours, theirs in zip(first, others, strict=True)]
        return first

    def _detect_at(self, size_px: int, pictures: Sequence[Shown]) -> list[list[Detection]]:
        """Those that the model sees at the same size are shown to it together."""
        found: list[list[Detection]] = [[] for _ in pictures]
        alike: dict[tuple[int, int], list[int]] = {}
        for number, picture in enumerate(pictures):
            size = self._input_size(size_px, picture.geometry.width, picture.geometry.height)
            if self._head is not None and isinstance(picture, CardView) and self._head.is_on(picture.device):
                size = self._head.fitting(size)
            alike.setdefault(size, []).append(number)
        for size, numbers in alike.items():
            shots = [(pictures[number], _fitting(pictures[number].geometry, size_px, size)) for number in numbers]
            for number, (_, affine), faces in zip(
                numbers, shots, self._faces(sample_all(shots, size, black_outside=True)), strict=True
            ):
                found[number] = _placed(faces, affine)
        return found

    def _faces(self, images: Crops) -> list[Faces]:
        """What is seen in each image, in its pixels."""
        if self._head is not None and isinstance(images, CardPixels) and self._head.is_on(images.device):
            return self._head.faces(images, float(self._min_score[0]))
        runs = (self._engine.run(image=images[at : at + 1], min_score=self._min_score) for at in range(len(images)))
        return [Faces(one["boxes"], one["keypoints"], one["scores"]) for one in runs]

    def _input_size(self, size_px: int, width: int, height: int) -> tuple[int, int]:
        step = self._multiple_px
        columns, rows = (-(-size_px * n // (max(width, height) * step)) * step for n in (width, height))
        return columns, rows


def _fitting(geometry: Geometry, size_px: int, size: tuple[int, int]) -> Affine:
    """The picture is scaled to the model's size by its longer side and centred on black, as in MediaPipe's graphs; of
    the black only so much is kept as the model's strides ask for, which saves a third of the work on 16:9.
    """
    columns, rows = size
    scale = max(geometry.width, geometry.height) / size_px
    left, top = geometry.width / 2 - scale * columns / 2, geometry.height / 2 - scale * rows / 2
    return np.array([[scale, 0, left], [0, scale, top]])


def _placed(faces: Faces, affine: Affine) -> list[Detection]:
    """From an image to the picture that it shows."""
    scale, origin = float(affine[0, 0]), tuple(affine[:, 2].tolist())  # numbers, not arrays: float32 stays float32
    boxes = faces.boxes * scale + (*origin, *origin)
    keypoints = (faces.keypoints * scale + origin).astype(np.float32)
    return [
        Detection(tuple(box.tolist()), points, float(score))
        for box, points, score in zip(boxes, keypoints, faces.scores, strict=True)
    ]


def _merged(ours: list[Detection], theirs: list[Detection]) -> list[Detection]:
    """Both lists as one, best first; of two that show one face the surer stays."""
    return distinct(
        sorted((*ours, *theirs), key=lambda one: -one.score),
        lambda one, other: overlap(one.box_px, other.box_px) > SAME_FACE,
    )
