"""How long frames waited and were worked on, from the spans of one trace that stand for frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.model.hops import percentile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.gateway.traces.waterfall import Row

SHARES = (0.5, 0.95, 0.99)
Percentiles = tuple[float, ...]
"""Of each of SHARES, milliseconds."""


@dataclass(frozen=True, slots=True)
class FrameTimes:
    """Of one kind of work, over the frames that have spans here."""

    name: str
    frames: int
    waited: Percentiles | None
    """None: nothing says that they waited."""
    worked: Percentiles
    """A message's time over its frames, as the metrics have it."""


def frame_times(rows: Sequence[Row]) -> list[FrameTimes]:
    """One entry a kind of work, in order of first appearance; every frame of a message counts once."""
    by_name: dict[str, list[tuple[Row, int]]] = {}
    for row in rows:
        frames = row.work.facts.get("frames", "") if row.work is not None else ""
        if frames.isdecimal() and int(frames) > 0:
            by_name.setdefault(row.name, []).append((row, int(frames)))
    return [_times(name, found) for name, found in by_name.items()]


def _times(name: str, found: Sequence[tuple[Row, int]]) -> FrameTimes:
    waited = [(row.waited_ms, frames) for row, frames in found if row.waited_ms is not None]
    worked = [(row.worked_ms / frames, frames) for row, frames in found if row.worked_ms is not None]
    return FrameTimes(
        name, sum(frames for _, frames in found), _percentiles(waited) if waited else None, _percentiles(worked)
    )


def _percentiles(weighted: Sequence[tuple[float, int]]) -> Percentiles:
    ordered = sorted(weighted)
    return tuple(percentile(ordered, share) for share in SHARES)
