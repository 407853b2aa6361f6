"""What the kernels of textures are told of faces: where the template lies on each, and how much of a texture shows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from services.render.cuda.laying import colours_of
from services.render.cuda.places import Extent as Whole
from services.render.cuda.places import Places
from services.render.cuda.records import describe, lay_out, template
from services.render.effects.overlay.texture import HOLES, edge_cells, oval_px, speck_cells, window_cells
from services.render.masks import fixed_point
from shared.model.looks import Look

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from services.render.effects.overlay.texture import Extent
    from services.render.region import Grid
    from services.render.shape import FaceShape
    from shared.cuda.device import Argument, Device
    from shared.cuda.pictures import CardPicture

SHEET = np.dtype(
    [
        ("level", np.uint64),
        *((name, np.int32) for name in ("level_rows", "level_columns", "x0", "y0", "x1", "y1", "step")),
        *((name, np.int32) for name in ("rows", "columns", "first_row", "first_column", "first_cell", "first_pair")),
        *((name, np.int32) for name in ("edge_cells", "speck_cells", "window_cells", "first_point", "oval")),
        ("holes", np.int32, (len(HOLES),)),
    ],
    align=True,
)
"""The kernels' record of a face."""


@dataclass(frozen=True, slots=True)
class Painted:
    """A face that a texture shows on."""

    shape: FaceShape
    extent: Extent
    level: Grid
    """Of the texture, that is shown."""

    def rings(self) -> list[NDArray[np.int32]]:
        """[n, 2] each, in 16ths: the oval in cells of the face; then the oval and the holes in pixels of the region."""
        face, region = self.extent
        corner, oval = np.array((region.x0, region.y0), np.float32), oval_px(self.shape)
        holes = [fixed_point(self.shape.part(part) - corner) for part in HOLES]
        return [fixed_point(face.to_grid(oval)), fixed_point(oval - corner), *holes]

    def describe(self, record: np.void, feather: float) -> None:
        """Write into a record of SHEET what knows nothing of other faces and of the card."""
        face, region = self.extent
        record["level_rows"], record["level_columns"] = self.level.shape[:2]
        for name in ("x0", "y0", "x1", "y1", "step"):
            record[name] = getattr(region, name)
        record["rows"], record["columns"] = region.cells
        rows, columns = face.cells_of(region)
        record["first_row"], record["first_column"] = rows.start, columns.start
        scale = self.shape.scale_px / face.step
        record["edge_cells"] = edge_cells(feather, scale)
        record["speck_cells"], record["window_cells"] = speck_cells(scale), window_cells(scale)


def whole(shape: FaceShape) -> Places:
    """By what parts a bare face is told, of a layout; it takes a millisecond."""
    return Places(Whole((), None), shape.topology, len(shape.points_px))


class Sheets:
    """Faces of one picture, as kernels are told of them: jobs as those of tones, and sheets."""

    def __init__(self, target: CardPicture, faces: Sequence[Painted], places: Places, feather: float) -> None:
        """faces: meshes. places: those of `whole`. feather: of the texture."""
        self.jobs = np.repeat(template(Look(), places, target.geometry, target.colour), len(faces))
        self.sheets = np.zeros(len(faces), SHEET)
        self.cells = self.pairs = corners = 0
        self._points: list[NDArray[np.float32]] = []
        self._rings: list[NDArray[np.int32]] = []
        for number, (job, sheet, face) in enumerate(zip(self.jobs, self.sheets, faces, strict=True)):
            describe(job, face.shape, face.extent.face, places)
            job["face"], job["is_first"] = number, True
            self._points += places.points_px(face.shape)
            face.describe(sheet, feather)
            rings = face.rings()
            sheet["first_point"], sheet["oval"], sheet["holes"] = (
                corners,
                len(rings[0]),
                [len(one) for one in rings[2:]],
            )
            sheet["first_cell"], sheet["first_pair"] = self.cells, self.pairs
            self._rings += rings
            corners += sum(map(len, rings))
            self.cells += math.prod(face.extent.region.cells)
            self.pairs += math.prod(face.extent.region.shape(2))
        lay_out(self.jobs)
        self._colours = colours_of(target.colour)

    def arguments(self, target: CardPicture, levels: Sequence[int], device: Device) -> tuple[Argument, ...]:
        """`Told` of the kernels. levels: where on the card that of each face lies."""
        self.jobs["luma"], self.jobs["chroma"] = (device.address(plane) for plane in target.planes)
        self.sheets["level"] = levels
        parts = [
            self.jobs.tobytes() + np.concatenate(self._points).astype(np.float32).tobytes(),
            *(self._colours, self.sheets.tobytes(), np.concatenate(self._rings).tobytes()),
        ]
        begins = np.cumsum([len(part) for part in parts]).astype(np.int32)
        told = device.upload(np.frombuffer(b"".join(parts), np.uint8))
        return told, *begins[:-1]
