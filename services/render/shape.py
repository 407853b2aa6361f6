"""What the effects know of a face's geometry: its parts by name, whichever landmarks it came with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from services.render.layouts import TOPOLOGIES
from services.render.region import step_of
from shared.model.faces import Layout
from shared.model.parts import Part

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from services.render.topology import Topology
    from shared.model.faces import Face

SMALLEST_PX = 12.0
"""A face whose scale is below this is left alone: none of its features is larger than a pixel or two."""
FARTHEST_PX = 100_000.0
"""Landmarks beyond this are no landmarks."""


@dataclass(frozen=True, slots=True)
class FaceShape:
    """A face's landmarks in the picture's plane."""

    points_px: NDArray[np.float32]
    """[n, 2] x, y; n and their order are the layout's. Effects ask for parts instead."""
    landmarks_px: NDArray[np.float32]
    """[n, 3]: the same with z, which is smaller nearer to the camera, and 0 in layouts without depth."""
    topology: Topology
    """Where the layout has its parts."""
    scale_px: float
    """Square root of the area of the face: about its width, however the head is tilted."""
    track: int = 0
    """Who it is within its session; 0 as long as nobody has said."""
    _parts: dict[Part, NDArray[np.float32]] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Those that were asked for."""

    @classmethod
    def of(cls, face: Face) -> FaceShape | None:
        """The shape of a face, or None where the landmarks do not span one."""
        points = np.ascontiguousarray(face.landmarks_px[:, :2])
        if not np.isfinite(face.landmarks_px).all() or np.abs(points).max() > FARTHEST_PX:
            return None
        topology = TOPOLOGIES[face.layout]
        scale = float(np.sqrt(topology.area_px2(points)))
        return cls(points, face.landmarks_px, topology, scale, face.track) if scale >= SMALLEST_PX else None

    @property
    def layout(self) -> Layout:
        """Which points these are."""
        return Layout(len(self.points_px))

    def part(self, part: Part) -> NDArray[np.float32]:
        """[m, 2] x, y, read-only: a part that the layout gives (`shared.model.parts.GIVEN`)."""
        found = self._parts.get(part)
        if found is None:
            found = self._parts[part] = self.topology.places[part](self.points_px)
            found.flags.writeable = False
        return found

    @property
    def asked(self) -> frozenset[Part]:
        """The parts that were asked for until now."""
        return frozenset(self._parts)

    @property
    def across(self) -> NDArray[np.float32]:
        """[2]: from the right eye to the left, of length 1."""
        right, left = self.part(Part.RIGHT_EYE_CENTRE), self.part(Part.LEFT_EYE_CENTRE)
        return _unit((left - right)[0])

    @property
    def down(self) -> NDArray[np.float32]:
        """[2]: from between the eyes to the chin, of length 1."""
        return _unit(self.part(Part.CHIN)[0] - self.part(Part.NOSE_RIDGE)[0])

    def facing(self) -> tuple[float, float]:
        """How much the right and the left side are turned to the camera: 1 on a face that looks ahead, 0 hidden."""
        nose, (right, left) = self.part(Part.NOSE_RIDGE)[0], self.part(Part.CHEEKBONES)
        across = _unit(left - right)
        widths = max(0.0, float((nose - right) @ across)), max(0.0, float((left - nose) @ across))
        whole = max(sum(widths), 1e-3)
        return min(1.0, 2.5 * widths[0] / whole), min(1.0, 2.5 * widths[1] / whole)

    def step(self, cells: int) -> int:
        """Pixels along a cell, so that the scale is at most `cells` of them: a power of two, 2 or more."""
        return step_of(self.scale_px, cells)


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-6), np.float32)
