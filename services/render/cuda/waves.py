"""What of many faces may be drawn at once: what lies over what was drawn before comes a wave later."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from services.render.region import Region, size_of
from services.render.skin import SAMPLED
from services.render.toning import region_of
from shared.model.parts import Part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.render.shape import FaceShape
    from services.render.toning import Extent
    from shared.cuda.pictures import CardPicture

    Frames = Sequence[tuple[CardPicture, Sequence[FaceShape]]]
    """Pictures, and the faces to be drawn in each, one over the other in this order."""


class Job(NamedTuple):
    """An extent of a face that is to be drawn."""

    wave: int
    """Jobs of one wave know nothing of each other and are drawn together; each wave sees what those before it drew."""
    picture: int
    face: int
    is_first: bool
    """True in the first wave of its face, when the face is still as it came."""
    shape: FaceShape
    region: Region
    number: int
    """Of the extent."""


def jobs_of(frames: Frames, extents: Sequence[Extent]) -> list[Job]:
    """All extents of all faces, as far as they lie in their pictures, by waves."""
    jobs: list[Job] = []
    face = 0
    for number, (picture, shapes) in enumerate(frames):
        before: list[tuple[Region, int]] = []  # where faces of this picture were drawn, and in which wave last
        for shape in shapes:
            regions = [region_of(picture, shape, extent) for extent in extents]
            drawn = [(at, region) for at, region in enumerate(regions) if region is not None]
            if not drawn:
                continue
            looked_at = _bare(picture, shape) if len(shapes) > 1 else None
            whole = _around([looked_at, *(region for _, region in drawn)])
            begins = _after(before, whole)
            own: list[tuple[Region, int]] = []
            for at, region in drawn:
                wave = max(begins, _after(own, region))
                own.append((region, wave))
                jobs.append(Job(wave, number, face, wave == begins, shape, region, at))
            before.append((whole, max(wave for _, wave in own)))
            face += 1
    return sorted(jobs, key=lambda job: job.wave)


def _bare(picture: CardPicture, shape: FaceShape) -> Region | None:
    """Where the bare skin of a face is looked at, which may lie beyond what is drawn in."""
    return Region.around(shape.part(Part.BARE_SKIN), SAMPLED * shape.scale_px + 1, 2, size_of(picture))


def _around(regions: Sequence[Region | None]) -> Region:
    """The smallest rectangle around all of them; one at least is there."""
    there = [region for region in regions if region is not None]
    x0, y0 = min(region.x0 for region in there), min(region.y0 for region in there)
    return Region(x0, y0, max(region.x1 for region in there), max(region.y1 for region in there), there[0].step)


def _after(before: Sequence[tuple[Region, int]], region: Region) -> int:
    """The first wave after those of what lies in a region."""
    return max((wave + 1 for other, wave in before if _meet(other, region)), default=0)


def _meet(one: Region, other: Region) -> bool:
    return one.x0 < other.x1 and other.x0 < one.x1 and one.y0 < other.y1 and other.y0 < one.y1
