"""Finds the faces of a frame: follows those of the last one, looks for new ones when asked or when one is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.detect.blazeface import BlazeFace
from services.detect.engine import Engine
from services.detect.facemesh import FaceMesh
from services.detect.models.registry import FACE_MESH, FULL_RANGE, MODELS, SHORT_RANGE
from services.detect.models.store import verify
from services.detect.regions import Region, shared_part

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from services.detect.blazeface import Detection
    from services.detect.regions import Box
    from shared.model.faces import Face
    from shared.model.pictures import Picture

MAX_FACES = 8
MIN_PRESENCE = 0.5
"""MediaPipe's default for landmarks (min_tracking_confidence)."""
_SAME_FACE = 0.5
"""Two boxes of which so much is shared are one face; people side by side share less."""


class FaceFinder:
    """Detector and landmark model together. Keeps nothing between calls: what it knows of the past is the hint."""

    def __init__(self, detectors: Sequence[BlazeFace], mesh: FaceMesh, max_faces: int = MAX_FACES) -> None:
        """detectors: the next is asked only where those before it see nothing; max_faces: 1 or more."""
        self._detectors = tuple(detectors)
        self._mesh = mesh
        self._max_faces = max_faces

    @classmethod
    def load(cls, folder: Path, *, max_faces: int = MAX_FACES, threads: int = 1) -> FaceFinder:
        """The default models from the folder that `visavis models prepare` filled, opened and run once.

        The full-range detector sees faces from an eighth of the picture's height to all of it, the short-range one
        still those that reach over its edges; it costs nothing as long as the first finds someone.
        threads: cores that one model may use. Raises Misconfigured with what to do if a model is not as prepared.
        """
        hashes = verify(folder).files
        engines = {m: Engine(folder / m.file_name, hashes[m.file_name], threads) for m in MODELS}
        detectors = [BlazeFace(engines[model], model) for model in (FULL_RANGE, SHORT_RANGE)]
        finder = cls(detectors, FaceMesh(engines[FACE_MESH], FACE_MESH), max_faces)
        finder.warm_up()
        return finder

    def warm_up(self) -> None:
        """Run each model, so that the first frame is as quick as the next."""
        for detector in self._detectors:
            detector.warm_up()
        self._mesh.warm_up()

    def find(self, picture: Picture, hint: Sequence[Face] | None = None, *, detect: bool = False) -> list[Face]:
        """The faces in `picture`, those of the hint first, in pixels of the picture.

        hint: the faces of the frame before; None if nothing is known of it.
        detect: True: look for faces that the hint does not have. It is done in any case without a hint, and when a
        face of the hint is not found again.
        """
        followed = self._sure(picture, [Region.of_face(face) for face in hint or ()])
        if detect or hint is None or len(followed) < len(hint):
            followed = self._with_new(picture, followed)
        return followed

    def _with_new(self, picture: Picture, followed: list[Face]) -> list[Face]:
        known = [face.box_px for face in followed]
        regions = [
            Region.of_detection(seen.box_px, seen.keypoints_px)
            for seen in self._detected(picture, known)
            if all(shared_part(seen.box_px, box) < _SAME_FACE for box in known)
        ]
        rough = self._sure(picture, regions[: self._max_faces - len(followed)])
        # A second look from the first one's landmarks halves the error of a region that was guessed from a box.
        fine = self._sure(picture, [Region.of_face(face) for face in rough])
        return _distinct([*followed, *fine])

    def _detected(self, picture: Picture, known: Sequence[Box]) -> list[Detection]:
        for detector in self._detectors:
            found = detector.detect(picture)
            if found or known:
                return found
        return []

    def _sure(self, picture: Picture, regions: Sequence[Region]) -> list[Face]:
        faces = self._mesh.landmarks(picture, regions[: self._max_faces])
        return _distinct([face for face in faces if face.score >= MIN_PRESENCE])


def _distinct(faces: Sequence[Face]) -> list[Face]:
    """Without those that have slid onto a face that stands before them."""
    kept: list[Face] = []
    for face in faces:
        if all(shared_part(face.box_px, other.box_px) < _SAME_FACE for other in kept):
            kept.append(face)
    return kept
