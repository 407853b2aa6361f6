"""Which of several regions of a frame can be drawn at once, although their order counts where they overlap."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.render.region import Region


def layered(regions: Sequence[Region]) -> list[list[int]]:
    """The numbers of the regions, in groups to be drawn one after the other; those of one group share no pixel.

    A region comes after all that it overlaps and that stand before it.
    """
    depths: list[int] = []
    for number, region in enumerate(regions):
        below = (depth for depth, other in zip(depths, regions[:number], strict=True) if _overlap(region, other))
        depths.append(max(below, default=-1) + 1)
    return [[at for at, depth in enumerate(depths) if depth == layer] for layer in range(max(depths, default=-1) + 1)]


def _overlap(one: Region, other: Region) -> bool:
    return one.x0 < other.x1 and other.x0 < one.x1 and one.y0 < other.y1 and other.y0 < one.y1
