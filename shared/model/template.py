"""The face template: where each point of the face mesh lies in a picture that a texture is painted in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from shared.model.parts import Part

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    Indices = NDArray[np.intp]

_FILE: Final = "face_template.txt"


@dataclass(frozen=True, slots=True)
class FaceTemplate:
    """The mesh on a symmetric head that looks into the camera, and its layout for painting; arrays are read-only."""

    points: NDArray[np.float32]
    """[468, 3]: x to the right, y down, z away from the camera; the unit is the distance between the outer corners of
    the eyes, the origin lies midway."""
    uv: NDArray[np.float32]
    """[468, 2]: u to the right and v down in the painted picture, 0..1."""
    mirror: Indices
    """[468]: the point on the other side; points of the middle line are their own."""
    triangles: Indices
    """[n, 3] points, clockwise in the painted picture: the face without eyes and mouth."""
    openings: Indices
    """[m, 3]: the triangles of eyes and mouth, where nothing is drawn."""
    lines: Mapping[Part, Indices]
    """Parts of the face as points in order: `oval`, eyes, brows, lips, mouth are rings; `nose-ridge`, `nose-wings`."""


@cache
def face_template() -> FaceTemplate:
    """The template that ships; how it was made is written in its file."""
    return parsed((files(__package__) / _FILE).read_text("ascii"))


def parsed(text: str) -> FaceTemplate:
    """A template from its text: `point`, `triangle`, `opening` and `line` with what belongs to them, `#` remarks.

    Raises ValueError for other text.
    """
    rows: dict[str, list[list[str]]] = {"point": [], "triangle": [], "opening": [], "line": []}
    for line in text.splitlines():
        word, *rest = line.split() or ["#"]
        if not word.startswith("#"):
            if word not in rows:
                raise ValueError(f"a template has no {word!r}")
            rows[word].append(rest)
    points = _array((row[:5] for row in rows["point"]), np.float32)
    return FaceTemplate(
        points=points[:, :3],
        uv=points[:, 3:],
        mirror=_array((row[5:] for row in rows["point"]), np.intp)[:, 0],
        triangles=_array(rows["triangle"], np.intp),
        openings=_array(rows["opening"], np.intp),
        lines={Part(name): _array(ring, np.intp) for name, *ring in rows["line"]},
    )


def _array(rows: Iterable[Any], kind: type[np.generic]) -> NDArray[Any]:
    array = np.array(list(rows)).astype(kind)
    array.flags.writeable = False
    return array
