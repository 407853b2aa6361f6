"""Bends faces of a picture on a card: `bending.bend` there, for all faces of a frame at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from services.render.bending import WARP_CELLS, Bending
from services.render.bumps import NOTICED
from services.render.cuda.layers import layered
from services.render.region import Region
from services.render.warp import LEAST_AREA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.render.bumps import Bumps
    from services.render.shape import FaceShape
    from shared.cuda.device import Device, DeviceArray
    from shared.cuda.pictures import CardPicture
    from shared.model.looks import Look

SOURCE = Path(__file__).with_suffix(".cu")
THREADS = 512
"""Of a block that works together; bending.cu has as many."""
STRIPES = 48
"""Blocks that copy a face's region."""
FACE = np.dtype([(name, np.int32) for name in (
    "x0", "y0", "x1", "y1", "step", "rows", "columns",
    "first_bump", "bumps", "first_part", "parts", "first_cell", "first_sample", "first_pair",
)])  # fmt: skip
PART = np.dtype([*((name, np.int32) for name in ("x0", "y0", "x1", "y1")), ("zoom", np.float32)])
BUMP = 6
"""Records of the kernels; a bump is so many float32: x, y, radius, pull to the right and down, zoom."""


@dataclass(frozen=True, slots=True)
class Bend:
    """One face that is to be bent."""

    number: int
    """Of its shape among those that were given."""
    bumps: Bumps
    region: Region
    parts: tuple[tuple[Region, float], ...]
    """Where it is magnified noticeably, with each magnifier's zoom."""

    @classmethod
    def of(cls, number: int, shape: FaceShape, bumps: Bumps, size: tuple[int, int]) -> Bend | None:
        """That of a shape in a picture of `size` (width, height); None where no pixel of the picture is meant."""
        region = Region.around(bumps.corners_px(), 0, shape.step(WARP_CELLS), size)
        if region is None:
            return None
        zooms = [zoom for zoom in bumps.zooms.tolist() if zoom < -NOTICED]
        around = [Region.around(corners, 0, region.step, size) for corners in bumps.magnified_px()] if zooms else []
        parts = tuple((part, zoom) for part, zoom in zip(around, zooms, strict=True) if part is not None)
        return cls(number, bumps, region, parts)


class Bent:
    """What faces were bent by, for what is laid on them."""

    def __init__(self, bumps: Sequence[Bumps | None], device: Device) -> None:
        """bumps: of each shape, as the look has them."""
        self.told = tuple(bumps)
        """Of each shape, before any was weakened; None where nothing bends it."""
        self._device = device
        self._times: dict[int, tuple[DeviceArray, int]] = {}
        """By the number of a shape: how many times as strongly it was bent, and where in that."""

    def add(self, numbers: Sequence[int], times: DeviceArray) -> None:
        """The faces of these numbers were bent so many `times` (float32 [n or more], on the card) as strongly."""
        self._times |= {number: (times, at) for at, number in enumerate(numbers)}

    def times(self) -> list[int]:
        """Of each shape where on the card it stands how many times as strongly as told it was bent, as float32.

        For kernels that are started while this is held. 0: as told, or not at all.
        """
        found = [self._times.get(number) for number in range(len(self.told))]
        return [0 if one is None else self._device.address(one[0]) + 4 * one[1] for one in found]


class CardBending:
    """The shape effects of one look, drawn on a card."""

    def __init__(self, look: Look) -> None:
        self._bending = Bending(look)

    def draw(self, target: CardPicture, shapes: Sequence[FaceShape], device: Device) -> Bent:
        """Bend faces of `target` (nv12) in place, in their order where they overlap. It does not wait for the card."""
        size = (target.geometry.width, target.geometry.height)
        bumps = [self._bending.bumps(shape) for shape in shapes]
        bends = [
            bend
            for number, (shape, own) in enumerate(zip(shapes, bumps, strict=True))
            if own is not None and (bend := Bend.of(number, shape, own, size)) is not None
        ]
        bent = Bent(bumps, device)
        for layer in layered([bend.region for bend in bends]):
            chosen = [bends[at] for at in layer]
            bent.add([bend.number for bend in chosen], _draw(target, chosen, device))
        return bent


def _draw(target: CardPicture, bends: list[Bend], device: Device) -> DeviceArray:
    """Bend faces that share no pixel. Answers float32 [faces + ...]: how many times each was bent, then extremes."""
    luma, chroma = target.planes
    width, kernels = np.int32(target.geometry.width), device.kernels(SOURCE)
    records, cells, samples, pairs = _records(bends)
    faces, parts = len(bends), sum(len(bend.parts) for bend in bends)
    given = device.upload(records)
    memory = device.empty((8 * cells + samples + 2 * pairs,), np.uint8)  # one piece, as each costs the host
    found = device.empty((faces + 2 * parts,), np.float32)
    counts, kept = (np.int32(faces), np.int32(parts)), (memory, np.int32(cells), np.int32(samples), found)
    kernels.launch(
        "prepared", (faces + parts + faces * STRIPES, 1, 1), (THREADS, 1, 1), luma, chroma, width, given, *counts,
        np.float32(LEAST_AREA), *kept,
    )  # fmt: skip
    high, wide = (max(sides) for sides in zip(*(bend.region.shape(2) for bend in bends), strict=True))
    kernels.launch(
        "resampled", (-(-wide // 32), -(-high // 8), faces), (32, 8, 1), luma, chroma, width, given, *counts,
        np.float32(NOTICED), *kept,
    )  # fmt: skip
    return found


def _records(bends: list[Bend]) -> tuple[np.ndarray[tuple[int], np.dtype[np.uint8]], int, int, int]:
    """uint8 [n]: faces, parts and bumps, one after the other; then the cells, samples and pairs of chroma of all."""
    faces: list[tuple[int, ...]] = []
    parts: list[tuple[int | float, ...]] = []
    bumps = np.empty((sum(len(bend.bumps.radii_px) for bend in bends), BUMP), np.float32)
    cells = samples = pairs = first_bump = 0
    for bend in bends:
        own, region, (rows, columns) = bend.bumps, bend.region, bend.region.cells
        count = len(own.radii_px)
        faces.append((
            region.x0, region.y0, region.x1, region.y1, region.step, rows, columns,
            first_bump, count, len(parts), len(bend.parts), cells, samples, pairs,
        ))  # fmt: skip
        parts += [(part.x0, part.y0, part.x1, part.y1, zoom) for part, zoom in bend.parts]
        record = bumps[first_bump : first_bump + count]
        record[:, 0:2], record[:, 2], record[:, 3:5], record[:, 5] = (
            own.centres_px,
            own.radii_px,
            own.pulls_px,
            own.zooms,
        )
        first_bump += count
        cells += rows * columns
        samples += math.prod(region.shape(1))
        pairs += math.prod(region.shape(2))
    written = np.array(faces, FACE).tobytes() + np.array(parts, PART).tobytes() + bumps.tobytes()
    return np.frombuffer(written, np.uint8), cells, samples, pairs
