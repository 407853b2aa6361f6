"""BlazeFace's two detectors as one: over several scales, with a close look at whatever may be a face."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.detect.contracts import Detection
from services.detect.regions import Region, distinct, shared_part
from services.detect.sampling import pictures_of, sample_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from services.detect.contracts import Shown
    from services.detect.detector import GraphDetector

USUAL_PX, FAR_PX, FARTHEST_PX = 192, 384, 768
"""Longer sides of the pictures that the full range is shown; it finds faces of 16 px and more in them."""
FAR_EVERY, FARTHEST_EVERY = 8, 16
"""Of so many searches of a session one looks at FAR_PX, and at FARTHEST_PX where that seems worth it."""
SMALL_PX = 16
"""A face that is smaller than this at FAR_PX may be one of several, of which others are still smaller."""
FAINT, FAINT_FROM_FAR = 0.25, 0.15
"""Least score that is worth a close look; the second where small faces are looked for."""
SURE = 0.85
"""Least score that needs none: no false face was seen with more than 0.84."""
FILLS, SURE_WHERE_FILLED = 0.75, 0.58
"""A face whose box is so large a part of the picture's shorter side has no surroundings to be looked at in: there the
first look decides, in which nothing else of that size had more than 0.54."""
CONFIRMED = 0.66
"""Least score of a face in a close look: 95 of 100 faces have 0.70, however faint they were from afar; of what the face
mesh takes for a face and is none, nothing had more than 0.61."""
CLOSE_PX = 96
"""Side of the picture of a close look; the face fills a third of it, which the model knows best."""
CLOSE_SIDE = 2.0
"""Side of a close look, in sides of the region that the landmarks would be looked for in."""
MOST_CLOSE = 24
"""Close looks of one search at most: each costs as much as the landmarks of a face."""
_SAME_FACE = 0.5
_OFF_CENTRE = 0.4
_LIKE_SIZES = (0.5, 1.8)


class BlazeFace:
    """The full range sees what is far, the short range what is near or reaches over the edges.

    What either sees faintly is looked at again in a crop of its own, upright and at the size that the model knows best.
    So faces count that are too small to be sure of from afar, and what merely looks like one from afar does not.
    The first search of a session looks for small faces, later ones do so in turn: see docs/decisions/0011.
    """

    keypoints = 6

    def __init__(self, full_range: GraphDetector, short_range: GraphDetector) -> None:
        self._usual = full_range.at(USUAL_PX, FAINT)
        self._far = full_range.at(FAR_PX, FAINT_FROM_FAR)
        self._full_range = full_range
        self._near = short_range.at(128, FAINT)
        self._close = full_range.at(CLOSE_PX, CONFIRMED)

    def warm_up(self) -> None:
        """Run on all shapes but, on the host, those of crowds, which would keep 70 MB."""
        for detector in (self._usual, self._far, self._near):
            detector.warm_up()
        self._close.warm_up_host()
        for detector in (self._close, self._full_range.at(FARTHEST_PX)):
            detector.warm_up_head((1, 1))

    def detect(self, picture: Shown, turn: int = 0) -> list[Detection]:
        """Every face, best first."""
        [seen] = self.detect_all([picture], [turn])
        return seen

    def detect_all(self, pictures: Sequence[Shown], turns: Sequence[int]) -> list[list[Detection]]:
        """See Detector."""
        found: list[list[Detection]] = [[] for _ in pictures]
        usual = [number for number, turn in enumerate(turns) if turn % FAR_EVERY]
        far = [number for number, turn in enumerate(turns) if not turn % FAR_EVERY]
        for numbers, search in ((usual, self._usually), (far, self._from_far)):
            if numbers:
                seen = search([pictures[number] for number in numbers], [turns[number] for number in numbers])
                for number, faces in zip(numbers, seen, strict=True):
                    found[number] = faces
        return found

    def _usually(self, pictures: Sequence[Shown], _: Sequence[int]) -> list[list[Detection]]:
        """The full range, and the short range where that sees nobody."""
        seen = self._confirmed(pictures, self._usual.detect_all(pictures))
        if nobody := [number for number, faces in enumerate(seen) if not faces]:
            there = [pictures[number] for number in nobody]
            for number, faces in zip(nobody, self._confirmed(there, self._near.detect_all(there)), strict=True):
                seen[number] = faces
        return seen

    def _from_far(self, pictures: Sequence[Shown], turns: Sequence[int]) -> list[list[Detection]]:
        """Both ranges and, where one of the faces is small, those that only show at FARTHEST_PX."""
        far, near = self._far.detect_all(pictures), self._near.detect_all(pictures)
        seen = self._confirmed(pictures, [(*one, *other) for one, other in zip(far, near, strict=True)])
        return [
            faces if turn % FARTHEST_EVERY else self._with_still_smaller(picture, faces)
            for picture, faces, turn in zip(pictures, seen, turns, strict=True)
        ]

    def _with_still_smaller(self, picture: Shown, faces: list[Detection]) -> list[Detection]:
        """`faces` and, if one of them is small and the picture has the pixels, those that only show at FARTHEST_PX."""
        longest = max(picture.geometry.width, picture.geometry.height)
        small_px = SMALL_PX * longest / FAR_PX
        if longest <= FAR_PX or all(_side(face) >= small_px for face in faces):
            return faces
        [farthest] = self._full_range.at(min(longest, FARTHEST_PX), FAINT_FROM_FAR).detect_all([picture])
        new = [one for one in farthest if not any(_alike(one, face) for face in faces)]
        [confirmed] = self._confirmed([picture], [new])
        return _distinct((*faces, *confirmed))

    def _confirmed(self, pictures: Sequence[Shown], seen: Sequence[Iterable[Detection]]) -> list[list[Detection]]:
        """Of each picture what is sure, and what a close look confirms, from where that one sees it; best first."""
        sure: list[list[Detection]] = []
        looks: list[tuple[int, Region]] = []
        for number, (picture, ones) in enumerate(zip(pictures, seen, strict=True)):
            sure.append([])
            for one in _distinct(ones)[:MOST_CLOSE]:
                if _is_sure(one, picture):
                    sure[number].append(one)
                else:
                    looks.append((number, _about(one)))
        if looks:
            for (number, region), close in zip(looks, self._closely(pictures, looks), strict=True):
                sure[number] += list(_in_the_middle(close, region))[:1]
        return [_distinct(faces) for faces in sure]

    def _closely(self, pictures: Sequence[Shown], looks: Sequence[tuple[int, Region]]) -> list[list[Detection]]:
        """What is seen in each of these regions, in pixels of the crop."""
        shots = [(pictures[number], region.affine(CLOSE_PX)) for number, region in looks]
        return self._close.detect_all(pictures_of(sample_all(shots, (CLOSE_PX, CLOSE_PX), black_outside=True)))


def _is_sure(seen: Detection, picture: Shown) -> bool:
    filled = _side(seen) >= FILLS * min(picture.geometry.width, picture.geometry.height)
    return seen.score >= (SURE_WHERE_FILLED if filled else SURE)


def _about(seen: Detection) -> Region:
    """Where a close look at it looks."""
    region = Region.of_detection(seen.box_px, seen.keypoints_px)
    return Region(region.centre_px, region.side_px * CLOSE_SIDE, region.angle_rad)


def _in_the_middle(found: Iterable[Detection], wide: Region) -> Iterator[Detection]:
    """Those of a close look's faces that may be the one that was seen, where they lie in the picture."""
    expected = _expected_side_px()
    for face in found:
        centre = np.add(face.box_px[:2], face.box_px[2:]) / 2
        off = np.abs(centre - CLOSE_PX / 2).max() / expected
        if off < _OFF_CENTRE and _LIKE_SIZES[0] < _side(face) / expected < _LIKE_SIZES[1]:
            affine, half = wide.affine(CLOSE_PX), _side(face) / 2 * wide.side_px / CLOSE_PX
            x, y = (affine[:, :2] @ centre + affine[:, 2]).tolist()
            points = face.keypoints_px @ affine[:, :2].T + affine[:, 2]
            yield Detection((x - half, y - half, x + half, y + half), points.astype(np.float32), face.score)


def _expected_side_px() -> float:
    """Of a box in the middle of a close look, in its pixels: a region is 1.5 times as wide as the box within."""
    return CLOSE_PX / CLOSE_SIDE / 1.5


def _distinct(seen: Iterable[Detection]) -> list[Detection]:
    """Best first, without those that lie half in a better one."""
    return distinct(sorted(seen, key=lambda detection: -detection.score), _alike)


def _alike(one: Detection, other: Detection) -> bool:
    return shared_part(one.box_px, other.box_px) >= _SAME_FACE


def _side(seen: Detection) -> float:
    x0, y0, x1, y1 = seen.box_px
    return max(x1 - x0, y1 - y0)
