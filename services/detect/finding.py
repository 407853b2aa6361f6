"""Finds the faces of a frame: follows those of the last one, looks for new ones when asked or when one is lost."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from services.detect.batching import Batches, Glance, Hands, Question, together
from services.detect.engine import CPU
from services.detect.eyes import agree
from services.detect.models.registry import BLAZEFACE, FACE_MESH_NAME
from services.detect.opening import open_models
from services.detect.regions import distinct, shared_part
from services.detect.upside_down import EitherWayUp
from services.detect.watching import watched
from shared.model.faces import Face

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from services.detect.batching import Search
    from services.detect.contracts import Detection, Detector, Landmarker, Shown
    from services.detect.engine import Provider
    from services.detect.regions import Box, Region
    from shared.cuda.device import Device

MAX_FACES = 8
MIN_PRESENCE = 0.5
"""MediaPipe's default for landmarks (min_tracking_confidence)."""
NO_DOUBT = 0.995
"""Least presence that leaves no doubt: of 139 faces in clips turned by all angles, 133 of them the right way up, those
had 0.9994 or more and the others 0.991 or less."""
_SAME_FACE = 0.5
"""Two boxes of which so much is shared are one face; people side by side share less."""
_MEETING = 0.15
"""Two faces whose boxes share so much are about to hide one another."""


@dataclass(frozen=True, slots=True)
class How:
    """How a frame is searched."""

    detect: bool = False
    """True: look for faces that the hint does not have. It is done in any case without a hint, with a stale one, and
    when a face of the hint is not found again."""
    turn: int = 0
    """Which search for new faces of its session this is or would be; 0 is the most thorough."""
    stale: bool = False
    """True: the hint is of some frames before the last."""
    seen: Sequence[Detection] | None = None
    """What a glance at this turn has seen; None: there was none."""


class Finder(Protocol):
    """Finds the faces of one frame. Keeps nothing between calls: what it knows of the past is the hint."""

    def glance(self, picture: Shown, turn: int) -> list[Detection]:
        """What the detector sees, for a later `search` of the same picture. Needs nothing of the frames before."""
        ...

    def watch(self, picture: Shown) -> Search[list[Detection]]:
        """Comes to all that the detector can see, beyond the picture's edges too; needs nothing of frames before."""
        ...

    def search(self, picture: Shown, hint: Sequence[Face] | None, how: How) -> Search[list[Face]]:
        """Comes to the faces in `picture`, those of the hint first, in pixels of the picture.

        hint: the faces of the frame before; None if nothing is known of it.
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
    def load(
        cls,
        folder: Path,
        *,
        max_faces: int = MAX_FACES,
        threads: int = 1,
        providers: Sequence[Provider] = CPU,
        devices: Sequence[Device] = (),
    ) -> FaceFinder:
        """The default models from the folder that `visavis models prepare` filled, opened and run once.

        threads, providers, devices: as Engine takes them. Raises Misconfigured with what to do if a model is not as
        prepared.
        """
        models = open_models(folder, threads=threads, providers=providers, devices=devices)
        finder = cls(EitherWayUp(models.detector(BLAZEFACE)), models.landmarker(FACE_MESH_NAME), max_faces)
        models.warm_up()
        return finder

    def find(
        self, picture: Shown, hint: Sequence[Face] | None = None, *, detect: bool = False, turn: int = 0
    ) -> list[Face]:
        """The faces in one picture: see Finder.search."""
        [found] = together([self.search(picture, hint, How(detect=detect, turn=turn))], self._batches, Hands())
        if isinstance(found, Exception):
            raise found
        return found

    def glance(self, picture: Shown, turn: int) -> list[Detection]:
        """See Finder."""
        return self._detector.detect(picture, turn)

    def watch(self, picture: Shown) -> Search[list[Detection]]:
        """See Finder."""
        return watched(self._detector, picture)

    def search(self, picture: Shown, hint: Sequence[Face] | None, how: How) -> Search[list[Face]]:
        """See Finder."""
        followed = yield from self._sure(picture, [self._landmarker.region_of_face(face) for face in hint or ()])
        if how.stale:
            followed = yield from self._again(picture, followed)
        meeting = _meeting(followed)
        if how.detect or how.stale or hint is None or meeting or len(followed) < len(hint):
            seen = how.seen if how.seen is not None else (yield Glance(self._detector, picture, how.turn))
            # The mesh of a face that is being hidden slides half onto the one before it, and rides on it as sure as
            # before: where faces meet only those count whose eyes the detector sees as well.
            there = [face for face in followed if face not in meeting or any(agree(face, one) for one in seen)]
            followed = yield from self._with_new(picture, there, seen)
        return followed

    def _with_new(self, picture: Shown, followed: Sequence[Face], seen: Sequence[Detection]) -> Search[list[Face]]:
        pairs = [(one, next((face for face in followed if _same(one.box_px, face.box_px)), None)) for one in seen]
        doubted = [face for one, face in pairs if face is not None and not agree(face, one)]
        kept = [face for face in followed if face not in doubted]
        regions = [self._landmarker.region_of_detection(one) for one, face in pairs if face is None or face in doubted]
        found = yield from self._new(picture, regions[: self._max_faces - len(kept)])
        # A mesh can slide off its face and be as sure as before: where the detector sees the eyes elsewhere, and what
        # is there leaves no doubt, that is the face.
        sure = [face for face in found if face.score >= NO_DOUBT]
        return _distinct([*kept, *sure, *doubted, *found])[: self._max_faces]

    def _new(self, picture: Shown, regions: Sequence[Region]) -> Search[list[Face]]:
        """The faces in regions that a detector saw, the surest first where one is doubtful."""
        found = yield from self._looked_at_twice(picture, regions)
        if doubtful := [face.box_px for face in found if face.score < NO_DOUBT]:
            # A chin can be taken for a forehead: the other way up it may be surer.
            turned = [one.upside_down for one in regions if any(_holds(box, one.centre_px) for box in doubtful)]
            found = sorted([*found, *(yield from self._looked_at_twice(picture, turned))], key=lambda face: -face.score)
        return _distinct(found)

    def _looked_at_twice(self, picture: Shown, regions: Sequence[Region]) -> Search[list[Face]]:
        rough = yield from self._sure(picture, regions)
        return (yield from self._again(picture, rough))

    def _again(self, picture: Shown, rough: Sequence[Face]) -> Search[list[Face]]:
        """A second look from the first one's landmarks: it halves the error of a region that was guessed."""
        return (yield from self._sure(picture, [self._landmarker.region_of_face(face) for face in rough]))

    def _sure(self, picture: Shown, regions: Sequence[Region]) -> Search[list[Face]]:
        regions = regions[: self._max_faces]
        if not regions:
            return []
        landmarks, presence = yield Question(self._landmarker, picture, regions)
        found = [
            (Face.of(region.placed(points), float(sure)), region)
            for region, points, sure in zip(regions, landmarks, presence, strict=True)
            if sure >= MIN_PRESENCE
        ]
        # Of several on one face the one that was looked for there is right; the others have slid onto it.
        kept = _distinct([face for face, region in sorted(found, key=lambda one: _slid(*one))])
        return [face for face, _ in found if any(face is other for other in kept)]


def _slid(face: Face, region: Region) -> float:
    """How far a face lies from the middle of where it was looked for, in sides of that."""
    x0, y0, x1, y1 = face.box_px
    x, y = region.centre_px
    return math.hypot((x0 + x1) / 2 - x, (y0 + y1) / 2 - y) / region.side_px


def _meeting(faces: Sequence[Face]) -> list[Face]:
    """Those that begin to hide one another."""
    return [
        face
        for face in faces
        if any(shared_part(face.box_px, other.box_px) >= _MEETING for other in faces if other is not face)
    ]


def _same(a: Box, b: Box) -> bool:
    return shared_part(a, b) >= _SAME_FACE


def _holds(box: Box, point: tuple[float, float]) -> bool:
    return box[0] <= point[0] <= box[2] and box[1] <= point[1] <= box[3]


def _distinct(faces: Sequence[Face]) -> list[Face]:
    """Without those that have slid onto a face that stands before them."""
    return distinct(faces, lambda one, other: _same(one.box_px, other.box_px))
