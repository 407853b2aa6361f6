"""What detections are worth against known faces, and how near and how calm landmarks are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    Box = Sequence[float]
    Points = NDArray[Any]

RIGHT_EYE, LEFT_EYE = 33, 263
"""Outer corners of the eyes in the face mesh: errors are told in parts of their distance."""
SAME_FACE = 0.5
"""Landmarks that are further away than this, in parts of the distance of the eyes, are those of another face."""
LIKE_HEIGHTS = (0.4, 2.0)
WINDOW = 15
"""Frames in which jitter is measured; what a parabola follows is movement."""
STILL = 0.05
"""In such a window a still face moves no more than this, in parts of the distance of the eyes."""


@dataclass
class Tally:
    """Scored detections of one detector against the truth, over many pictures."""

    found: list[float] = field(default_factory=list)
    """Of each face that was found, the best score."""
    wrong: list[float] = field(default_factory=list)
    """Scores of what is no face."""
    by_kind: dict[str, list[float]] = field(default_factory=dict)
    """Of every face asked for, by kind: the best score, or -1."""

    def add(self, kind: str, seen: Sequence[tuple[Box, float]], faces: Iterable[Box], unsure: Iterable[Box]) -> None:
        """Count one picture; seen: boxes with their scores."""
        faces, unsure = list(faces), list(unsure)
        best = [max((score for box, score in seen if same(box, face)), default=-1.0) for face in faces]
        self.found += [score for score in best if score >= 0]
        self.by_kind.setdefault(kind, []).extend(best)
        strange = (one for one in seen if not any(same(one[0], face) for face in faces))
        self.wrong += [score for box, score in strange if not any(_centre_in(box, other) for other in unsure)]

    def precision(self, least: float = 0.0) -> float:
        """Share of faces in what has at least this score."""
        right, wrong = (sum(score >= least for score in scores) for scores in (self.found, self.wrong))
        return right / max(right + wrong, 1)

    def least_score(self, precision: float) -> float:
        """The lowest at which the precision is as asked; above all scores if there is none."""
        scores = sorted({*self.found, *self.wrong})
        return next((least for least in scores if self.precision(least) >= precision), float("inf"))

    def recall(self, least: float = 0.0, kind: str | None = None) -> float:
        """Share of the faces (of a kind) found with at least this score."""
        scores = self.by_kind[kind] if kind else [score for part in self.by_kind.values() for score in part]
        return sum(score >= max(least, 0) for score in scores) / max(len(scores), 1)


def same(one: Box, other: Box) -> bool:
    """Whether two boxes show one face: the centre of each lies in the other, and their heights are alike."""
    ratio = (one[3] - one[1]) / (other[3] - other[1])
    return _centre_in(one, other) and _centre_in(other, one) and LIKE_HEIGHTS[0] < ratio < LIKE_HEIGHTS[1]


def _centre_in(one: Box, other: Box) -> bool:
    return all(other[i] < (one[i] + one[i + 2]) / 2 < other[i + 2] for i in (0, 1))


def between_eyes(landmarks: Points) -> float:
    """Pixels."""
    return float(np.linalg.norm(landmarks[RIGHT_EYE, :2] - landmarks[LEFT_EYE, :2]))


def distance(landmarks: Points, expected: Points) -> float:
    """Mean over all points, in parts of the distance of the eyes in `expected`."""
    return float(np.linalg.norm(landmarks[:, :2] - expected[:, :2], axis=1).mean() / between_eyes(expected))


def errors(found: Sequence[Sequence[Points]], expected: Sequence[Sequence[Points]]) -> list[float]:
    """Of every expected face that was found, frame by frame."""
    nearest = [
        min((distance(face, wanted) for face in faces), default=SAME_FACE)
        for faces, meshes in zip(found, expected, strict=True)
        for wanted in meshes
    ]
    return [value for value in nearest if value < SAME_FACE]


def series(found: Sequence[Sequence[Points]]) -> list[NDArray[Any]]:
    """[frames, points, 3] of each face that is there from the first frame to the last without a gap."""
    chains = [[face] for face in found[0]]
    for faces in found[1:]:
        for chain in chains:
            near = min(faces, key=lambda face: distance(face, chain[-1]), default=None)
            if near is not None and distance(near, chain[-1]) < SAME_FACE:
                chain.append(near)
    return [np.stack(chain) for chain in chains if len(chain) == len(found)]


def still_windows(landmarks: NDArray[Any]) -> list[int]:
    """First frames of the windows in which the face hardly moves; landmarks [frames, points, 3]."""
    centres = landmarks[..., :2].mean(axis=1) / between_eyes(landmarks[0])
    starts = range(0, len(centres) - WINDOW + 1, WINDOW // 3)
    return [start for start in starts if np.ptp(centres[start : start + WINDOW], axis=0).max() < STILL]


def jitter(landmarks: NDArray[Any], start: int) -> float:
    """RMS of what a parabola does not explain, over the points of one window, in parts of the distance of the eyes."""
    window = landmarks[start : start + WINDOW, :, :2].reshape(WINDOW, -1)
    times = np.linspace(-1, 1, WINDOW)
    basis = np.stack([np.ones(WINDOW), times, times**2], axis=1)
    rest = window - basis @ np.linalg.lstsq(basis, window, rcond=None)[0]
    # A parabola takes three of the window's degrees of freedom.
    squares = (rest**2).sum() / (window.shape[1] / 2) / (WINDOW - basis.shape[1])
    return float(np.sqrt(squares) / between_eyes(landmarks[start]))
