"""Draws the tone effects of a look on a card: `services.render.toning` for pictures that lie in its memory."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from services.render.cuda.places import Extent, Places
from services.render.cuda.records import BARE_NUMBERS, GRIDS, JOB, describe, lay_out, template
from services.render.cuda.waves import jobs_of
from services.render.effects import EYE_EFFECTS, FACE_EFFECTS, MOUTH_EFFECTS
from services.render.eyes import EYES
from services.render.toning import FACE, MOUTH, of_eye

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from services.render import toning
    from services.render.cuda.waves import Frames, Job
    from services.render.shape import FaceShape
    from shared.cuda.device import Device, Dim3
    from shared.cuda.pictures import CardPicture
    from shared.model.faces import Layout
    from shared.model.looks import Look
    from shared.model.pictures import Colour, Geometry

SOURCE = Path(__file__).with_name("toning.cu")
INCLUDED = SOURCE.parents[1]
"""Where effects have their CUDA forms beside their Python."""
_PROGRAM_THREADS = 1024
_SAMPLE_THREADS = 256


class CardToning:
    """The tone effects of one look, for pictures in a card's memory: NV12."""

    def __init__(self, look: Look) -> None:
        drawn = look.drawn
        features: list[tuple[toning.Extent, Extent]] = [
            (of_eye(eye), Extent(tuple(name for name in EYE_EFFECTS if name in drawn), eye)) for eye in EYES
        ]
        face, mouth = (tuple(name for name in some if name in drawn) for some in (FACE_EFFECTS, MOUTH_EFFECTS))
        all_extents = [(FACE, Extent(face, None)), *features, (MOUTH, Extent(mouth, None))]
        self._extents = [(place, extent) for place, extent in all_extents if extent.effects]
        self._look = look
        self._places: dict[tuple[int, Layout], Places] = {}
        self._templates: dict[tuple[Places, Geometry, Colour], NDArray[np.uint8]] = {}

    def draw(self, target: CardPicture, shapes: Sequence[FaceShape], device: Device) -> None:
        """Draw them on faces of `target` in place, as if one after the other. It does not wait."""
        self.draw_all([(target, shapes)], device)

    def draw_all(self, frames: Frames, device: Device) -> None:
        """The same of several pictures at once; none may be there twice."""
        jobs = jobs_of(frames, [place for place, _ in self._extents])
        if not jobs:
            return
        records, told = self._told(jobs, [picture for picture, _ in frames], device)
        cells = records["rows"] * records["columns"]
        quads = (records["y1"] - records["y0"] + 1) // 2 * ((records["x1"] - records["x0"] + 1) // 2)
        arena = device.empty((GRIDS * int(cells.sum()),), np.float32)
        copies = device.empty((4 * int(quads.sum()) if records["sharp_radius"].any() else 1,), np.uint8)
        bares = device.empty((1 + max(job.face for job in jobs), BARE_NUMBERS), np.float32)
        kernels, uploaded = device.kernels(SOURCE, INCLUDED), device.upload(told)
        first = 0
        for _, wave in groupby(jobs, key=lambda job: job.wave):
            count = len(list(wave))
            own, number = slice(first, first + count), np.int32(first)
            kernels.launch("gather", *lanes(cells[own], count), uploaded, number, arena, copies)
            kernels.launch("program", (count, 1, 1), (_PROGRAM_THREADS, 1, 1), uploaded, number, arena, bares)
            kernels.launch("apply", *lanes(quads[own], count), uploaded, number, arena, copies)
            first += count

    def _told(
        self, jobs: Sequence[Job], pictures: Sequence[CardPicture], device: Device
    ) -> tuple[NDArray[np.void], NDArray[np.uint8]]:
        """The records of jobs, and the bytes that the card is told: these, and behind them the points of all."""
        known = [self._places_of(job) for job in jobs]
        kinds = [(picture.geometry, picture.colour) for picture in pictures]
        # As bytes: NumPy looks at every field of records that it joins.
        made = [self._template(places, *kinds[job.picture]) for places, job in zip(known, jobs, strict=True)]
        records = np.concatenate(made).view(JOB)
        addresses = [[device.address(plane) for plane in picture.planes] for picture in pictures]
        points: list[NDArray[np.float32]] = []
        for record, job, places in zip(records, jobs, known, strict=True):
            record["luma"], record["chroma"] = addresses[job.picture]
            record["face"], record["is_first"] = job.face, job.is_first
            describe(record, job.shape, job.region, places)
            points += places.points_px(job.shape)
        lay_out(records)
        return records, np.concatenate([records.view(np.uint8), np.concatenate(points).ravel().view(np.uint8)])

    def _places_of(self, job: Job) -> Places:
        key = job.number, job.shape.layout
        found = self._places.get(key)
        if found is None:
            extent = self._extents[job.number][1]
            found = self._places[key] = Places(extent, job.shape.topology, len(job.shape.points_px))
        return found

    def _template(self, places: Places, geometry: Geometry, colour: Colour) -> NDArray[np.uint8]:
        key = places, geometry, colour
        found = self._templates.get(key)
        if found is None:
            found = self._templates[key] = template(self._look, places, geometry, colour).view(np.uint8)
        return found


def lanes(samples: NDArray[np.int32], jobs: int) -> tuple[Dim3, Dim3]:
    """Grid and block for a thread a sample of each job."""
    return (-(-int(samples.max()) // _SAMPLE_THREADS), jobs, 1), (_SAMPLE_THREADS, 1, 1)
