"""Finds the faces of a frame: follows those of the last one, looks for new ones when asked or when one is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.detect.blazeface import BlazeFace
from services.detect.detector import GraphDetector
from services.detect.engine import Engine
from services.detect.landmarker import GraphLandmarker
from services.detect.models.registry import FACE_MESH, FULL_RANGE, MODELS, SHORT_RANGE
from services.detect.models.store import verify
from services.detect.regions import shared_part
from shared.model.faces import Face

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from services.detect.contracts import Detector, Landmarker
    from services.detect.regions import Box, Region
    from shared.model.pictures import Picture

MAX_FACES = 8
MIN_PRESENCE = 0.5
"""MediaPipe's default for landmarks (min_tracking_confidence)."""
_SAME_FACE = 0.5
"""Two boxes of which so much is shared are one face; people side by side share less."""


class FaceFinder:
    """Detector and landmark model together. Keeps nothing between calls: what it knows of the past is the hint."""

    def __init__(self, detector: Detector, landmarker: Landmarker, max_faces: int = MAX_FACES) -> None:
        """max_faces: 1 or more."""
        self._detector = detector
        self._landmarker = landmarker
        self._max_faces = max_faces

    @classmethod
    def load(cls, folder: Path, *, max_faces: int = MAX_FACES, threads: int = 1) -> FaceFinder:
        """The default models from the folder that `visavis models prepare` filled, opened and run once.

        threads: cores that one model may use. Raises Misconfigured with what to do if a model is not as prepared.
        """
        hashes = verify(folder).files
        engines = {m: Engine(folder / m.file_name, hashes[m.file_name], threads) for m in MODELS}
        full, short = (
            GraphDetector(engines[model], size_px=model.size_px, multiple_px=model.multiple_px)
            for model in (FULL_RANGE, SHORT_RANGE)
        )
        mesh = GraphLandmarker(engines[FACE_MESH], size_px=FACE_MESH.size_px, points=468)
        finder = cls(BlazeFace(full, short), mesh, max_faces)
        finder.warm_up()
        return finder

    def warm_up(self) -> None:
        """Run each model, so that the first frame is as quick as the next."""
        self._detector.warm_up()
        self._landmarker.warm_up()

    def find(self, picture: Picture, hint: Sequence[Face] | None = None, *, detect: bool = False) -> list[Face]:
        """The faces in `picture`, those of the hint first, in pixels of the picture.

        hint: the faces of the frame before; None if nothing is known of it.
        detect: True: look for faces that the hint does not have. It is done in any case without a hint, and when a
        face of the hint is not found again.
        """
        followed = self._sure(picture, [self._landmarker.region_of_face(face) for face in hint or ()])
        if detect or hint is None or len(followed) < len(hint):
            followed = self._with_new(picture, followed)
        return followed

    def _with_new(self, picture: Picture, followed: list[Face]) -> list[Face]:
        known: list[Box] = [face.box_px for face in followed]
        regions = [
            self._landmarker.region_of_detection(seen)
            for seen in self._detector.detect(picture)
            if all(shared_part(seen.box_px, box) < _SAME_FACE for box in known)
        ]
        rough = self._sure(picture, regions[: self._max_faces - len(followed)])
        # A second look from the first one's landmarks halves the error of a region that was guessed from a box.
        fine = self._sure(picture, [self._landmarker.region_of_face(face) for face in rough])
        return _distinct([*followed, *fine])

    def _sure(self, picture: Picture, regions: Sequence[Region]) -> list[Face]:
        regions = regions[: self._max_faces]
        if not regions:
            return []
        landmarks, presence = self._landmarker.locate(
            np.stack([self._landmarker.crop(picture, region) for region in regions])
        )
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
