"""Puts the faces of a job's segments together: who was known as 3 in one part and as 1 in the next is one face."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from shared.model.media import Plan

SAME = 0.5
"""Intersection over union of two boxes in the same frame from which on they are one face."""


def join_faces(parts: Sequence[Path], plan: Plan, target: Path) -> None:
    """Write the lines of all parts to `target`, one a frame, with identities that go on from part to part.

    parts: each begins with the last frame of the part before, save for the first: in it the faces are known again. Who
    is not gets a number that nobody has had.
    """
    names, (numerator, denominator) = _Names(), plan.facts.time_base
    starts = [round(span.start * numerator / denominator, 6) for span in plan.spans]
    with target.open("wb") as joined:
        for number, path in enumerate(parts):
            with path.open("rb") as lines:
                for line in lines:
                    document = msgspec.json.decode(line)
                    if number and document["pts_seconds"] < starts[number]:
                        names.meet(document["faces"])
                        continue
                    joined.write(msgspec.json.encode(names.named(document)) + b"\n")
            names.turn()


class _Names:
    """What the faces of one part are called in the whole."""

    def __init__(self) -> None:
        self._names: dict[int, int] = {}
        self._last: list[dict[str, Any]] = []
        self._given = 0

    def turn(self) -> None:
        """Another part follows."""
        self._names = {}

    def meet(self, faces: Sequence[dict[str, Any]]) -> None:
        """The faces of the frame that the part before ends with, as the next part knows them."""
        pairs = sorted(
            ((_overlap(face["box"], before["box"]), place, known) for place, face in enumerate(faces)
             for known, before in enumerate(self._last)),
            reverse=True,
        )  # fmt: skip
        for overlap, place, known in pairs:
            name = self._last[known]["track"]
            if overlap >= SAME and faces[place]["track"] not in self._names and name not in self._names.values():
                self._names[faces[place]["track"]] = name

    def named(self, document: dict[str, Any]) -> dict[str, Any]:
        """A frame's line with the names of the whole."""
        for face in document["faces"]:
            if face["track"] not in self._names:
                self._given += 1
                self._names[face["track"]] = self._given
            face["track"] = self._names[face["track"]]
        self._last = document["faces"]
        return document


def _overlap(one: Sequence[float], other: Sequence[float]) -> float:
    """Intersection over union."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return both / (sum(areas) - both)
