"""Who is who from frame to frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.model.faces import Face

    Box = tuple[float, float, float, float]

LEAST_OVERLAP = 0.2
"""Intersection over union from which on two boxes may be the same face; faces move little between two frames."""
PATIENCE_FRAMES = 15
"""Frames that an absent face is remembered: half a second at 30 frames a second."""


@dataclass(slots=True)
class _Track:
    number: int
    box_px: Box
    absent: int = 0


class Tracks:
    """The faces of one session, frame by frame in order.

    A face takes the number of the remembered face whose last box its own overlaps most; numbers start at 1 and are
    never given twice.
    """

    def __init__(self, patience_frames: int = PATIENCE_FRAMES) -> None:
        self._patience = patience_frames
        self._tracks: list[_Track] = []
        self._last = 0

    def assign(self, faces: Sequence[Face]) -> list[Face]:
        """The faces of the next frame, in the order given, each with its `track`."""
        pairs = sorted(
            (
                (overlap, -track.absent, index, track)
                for track in self._tracks
                for index, face in enumerate(faces)
                if (overlap := _overlap(track.box_px, face.box_px)) >= LEAST_OVERLAP
            ),
            key=lambda pair: pair[:3],
            reverse=True,
        )
        taken: dict[int, _Track] = {}
        for *_, index, track in pairs:
            if index not in taken and all(track is not other for other in taken.values()):
                taken[index] = track
        self._remember(taken, faces)
        return [face.known_as(taken[index].number) for index, face in enumerate(faces)]

    def _remember(self, taken: dict[int, _Track], faces: Sequence[Face]) -> None:
        for track in self._tracks:
            track.absent += 1
        for index, face in enumerate(faces):
            if index not in taken:
                self._last += 1
                taken[index] = _Track(self._last, face.box_px)
                self._tracks.append(taken[index])
            taken[index].box_px, taken[index].absent = face.box_px, 0
        self._tracks = [track for track in self._tracks if track.absent <= self._patience]


def _overlap(one: Box, other: Box) -> float:
    """Intersection over union, 0..1."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    common = width * height
    return common / ((one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1]) - common)
