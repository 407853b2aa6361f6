"""Make the table of `services/render/pose.py`: the mean head of the face mesh over real faces.

Run by hand as `python -m tests.bench.mean_face` where ../shared and the prepared models lie.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from skimage import data

from services.detect.finding import FaceFinder
from services.detect.settings import DetectSettings
from services.ingest.limits import IngestLimits
from services.ingest.videos.file import VideoFile
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Points = NDArray[np.float64]

MEDIA = Path(__file__).parents[3] / "shared" / "media"
# Who is seen without anything before the face: clip, which face of its frames, and the frames.
PEOPLE = (
    ("signer_plain.mkv", 0, range(77)),
    ("signer_occluded.mkv", 0, (*range(10), *range(46, 63))),
    ("two_heads.mp4", 0, range(56)),
    ("two_heads.mp4", 1, range(56)),
)
POINTS = (
    *(33, 133, 362, 263, 127, 356, 103, 332, 98, 327, 61, 291),
    *(151, 9, 8, 168, 6, 197, 195, 5, 4, 1, 2),
)
RIGID = POINTS[:10] + POINTS[12:]
"""Those that no grimace moves: all but the corners of the mouth."""
MIRRORED = {33: 263, 133: 362, 127: 356, 103: 332, 98: 327, 61: 291}
"""Pairs of the table's points left and right; the others lie in the middle."""


def main() -> None:
    """Print the table."""
    cv2.setNumThreads(1)
    head = mean_head(_people())
    for index, (x, y, z) in zip(POINTS, head.tolist(), strict=True):
        print(f"    {index}: ({x:.3f}, {y:.3f}, {z:.3f}),")


def _people() -> list[Points]:
    """[frames, n, 3] of each person, the portrait of the sample clip first."""
    finder = FaceFinder.load(Path(DetectSettings.model_fields["models"].default).expanduser())
    portrait = data.astronaut()  # type: ignore[no-untyped-call]  # scikit-image has no types
    geometry = Geometry(PixelFormat.RGB24, portrait.shape[1], portrait.shape[0])
    picture = Picture.over(geometry, Colour(full_range=True), np.ascontiguousarray(portrait).reshape(-1))
    people = [finder.find(picture)[0].landmarks_px[None, list(POINTS)].astype(np.float64)]
    for name, which, frames in PEOPLE:
        meshes = dict(enumerate(_meshes(MEDIA / name, which, finder)))
        people.append(np.stack([meshes[number] for number in frames]))
    return people


def _meshes(clip: Path, which: int, finder: FaceFinder) -> Iterator[Points]:
    faces = None
    with VideoFile(clip, IngestLimits(), threads=1) as video:
        picture = Picture.blank(video.facts.geometry, video.facts.colour)
        for frame in video.frames():
            frame.write_into(picture)
            faces = finder.find(picture, faces)
            yield faces[which].landmarks_px[list(POINTS)].astype(np.float64)


def mean_head(people: Sequence[Points]) -> Points:
    """Generalised Procrustes: everybody laid onto the mean, which is made symmetric, until it stays.

    The unit is the distance between the outer corners of the eyes, the origin is midway between them. The portrait
    looks into the camera: its pitch is the head's zero.
    """
    mirror = MIRRORED | {left: right for right, left in MIRRORED.items()}
    order = [POINTS.index(mirror.get(index, index)) for index in POINTS]
    right, left = POINTS.index(33), POINTS.index(263)
    head = people[0][0]
    for _ in range(20):
        head = np.mean([np.mean([laid(points, head) for points in person], axis=0) for person in people], axis=0)
        head = (head + head[order] * (-1, 1, 1)) / 2
        head = (head - (head[right] + head[left]) / 2) / (head[left, 0] - head[right, 0])
    pitch = math.asin(turn_between(head, people[0][0])[2, 1])
    nod = np.array([[1, 0, 0], [0, math.cos(pitch), -math.sin(pitch)], [0, math.sin(pitch), math.cos(pitch)]])
    return np.asarray(head @ nod.T)


def laid(points: Points, head: Points) -> Points:
    """Points [n, 3] moved, turned and scaled onto the head, as well as the points that no face moves tell."""
    rigid = [POINTS.index(index) for index in RIGID]
    turn = turn_between(head, points)
    middle, head_middle = points[rigid].mean(axis=0), head[rigid].mean(axis=0)
    back = (points - middle) @ turn
    scale = float(np.sum((head - head_middle)[rigid] ** 2) / np.sum((head - head_middle)[rigid] * back[rigid]))
    return np.asarray(back * scale + head_middle)


def turn_between(head: Points, points: Points) -> Points:
    """Rotation [3, 3] that turns the head as the points are turned (Kabsch 1976)."""
    rigid = [POINTS.index(index) for index in RIGID]
    a, b = (one[rigid] - one[rigid].mean(axis=0) for one in (head, points))
    u, _, vt = np.linalg.svd(b.T @ a)
    return np.asarray(u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt)


if __name__ == "__main__":
    main()
