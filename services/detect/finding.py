"""Finds the faces of a frame: follows those of the last one, looks for new ones when asked or when one is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from services.detect.batching import Batches, Question, together
from services.detect.models.registry import BLAZEFACE, FACE_MESH_NAME
from services.detect.opening import open_models
from services.detect.regions import shared_part
from shared.model.faces import Face

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from services.detect.batching import Search
    from services.detect.contracts import Detector, Landmarker
    from services.detect.regions import Box, Region
    from shared.model.pictures import Picture

MAX_FACES = 8
MIN_PRESENCE = 0.5
"""MediaPipe's default for landmarks (min_tracking_confidence)."""
_SAME_FACE = 0.5
"""Two boxes of which so much is shared are one face; people side by side share less."""


class Finder(Protocol):
    """Finds the faces of one frame. Keeps nothing between calls: what it knows of the past is the hint."""

    def search(
        self, picture: Picture, hint: Sequence[Face] | None, *, detect: bool, turn: int = 0, stale: bool = False
    ) -> Search[list[Face]]:
        """Comes to the faces in `picture`, those of the hint first, in pixels of the picture.

        hint: the faces of the frame before; None if nothing is known of it.
        detect: True: look for faces that the hint does not have. It is done in any case without a hint, with a stale
        one, and when a face of the hint is not found again.
        turn: which search for new faces of its session this is or would be; 0 is the most thorough.
        stale: True: the hint is of some frames before the last.
        """
        ...


class FaceFinder:
    """A detector and a landmark model together."""

    def __init__(
        self,
        detector: Detector,
        landmarker: Landmarker,
        max_faces: int = MAX_FACES,
        batches: Batches = Batches(),  # noqa: B008  -- frozen
    ) -> None:
        """max_faces: 1 or more."""
        self._detector = detector
        self._landmarker = landmarker
        self._max_faces = max_faces
        self._batches = batches

    @classmethod
    def load(cls, folder: Path, *, max_faces: int = MAX_FACES, threads: int = 1) -> FaceFinder:
        """The default models from the folder that `visavis models prepare` filled, opened and run once.

        threads: cores that one model may use. Raises Misconfigured with what to do if a model is not as prepared.
        """
        models = open_models(folder, threads=threads)
        finder = cls(models.detector(BLAZEFACE), models.landmarker(FACE_MESH_NAME), max_faces)
        models.warm_up()
        return finder

    def find(
        self, picture: Picture, hint: Sequence[Face] | None = None, *, detect: bool = False, turn: int = 0
    ) -> list[Face]:
        """The faces in one picture: see Finder.search."""
        [found] = together([self.search(picture, hint, detect=detect, turn=turn)], self._batches)
        if isinstance(found, Exception):
            raise found
        return found

    def search(
        self, picture: Picture, hint: Sequence[Face] | None, *, detect: bool, turn: int = 0, stale: bool = False
    ) -> Search[list[Face]]:
        """See Finder."""
        followed = yield from self._sure(picture, [self._landmarker.region_of_face(face) for face in hint or ()])
        if stale:
            followed = yield from self._again(picture, followed)
        if detect or stale or hint is None or len(followed) < len(hint):
            followed = yield from self._with_new(picture, followed, turn)
        return followed

    def _with_new(self, picture: Picture, followed: list[Face], turn: int) -> Search[list[Face]]:
        known: list[Box] = [face.box_px for face in followed]
        regions = [
            self._landmarker.region_of_detection(seen)
            for seen in self._detector.detect(picture, turn)
            if all(shared_part(seen.box_px, box) < _SAME_FACE for box in known)
        ]
        rough = yield from self._sure(picture, regions[: self._max_faces - len(followed)])
        fine = yield from self._again(picture, rough)
        return _distinct([*followed, *fine])

    def _again(self, picture: Picture, rough: Sequence[Face]) -> Search[list[Face]]:
        """A second look from the first one's landmarks: it halves the error of a region that was guessed."""
        return (yield from self._sure(picture, [self._landmarker.region_of_face(face) for face in rough]))

    def _sure(self, picture: Picture, regions: Sequence[Region]) -> Search[list[Face]]:
        regions = regions[: self._max_faces]
        if not regions:
            return []
        crops = np.stack([self._landmarker.crop(picture, region) for region in regions])
        landmarks, presence = yield Question(self._landmarker, crops)
        faces = [
            Face.of(region.placed(points), float(sure))
            for region, points, sure in zip(regions, landmarks, presence, strict=True)
            if sure >= MIN_PRESENCE
        ]
        return _distinct(faces)


def _distinct(faces: Sequence[Face]) -> list[Face]:
    """Without those that have slid onto a face that stands before them."""
    kept: list[Face] = []
    for face in faces:
        if all(shared_part(face.box_px, other.box_px) < _SAME_FACE for other in kept):
            kept.append(face)
    return kept
