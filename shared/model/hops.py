"""How long each hop took: waiting in the queue and working, apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Hop(msgspec.Struct, frozen=True, array_like=True):
    """One pass of a message through one service."""

    name: str
    """The service."""
    waited_ms: float
    """From publishing to receiving, milliseconds."""
    worked_ms: float
    """From receiving to publishing, milliseconds, a frame."""
    frames: int = 1
    """How many frames the message carried."""


class HopSummary(msgspec.Struct, frozen=True):
    """Percentiles over the frames of a request or job, milliseconds."""

    hop: str
    frames: int
    waited_p50_ms: float
    waited_p95_ms: float
    worked_p50_ms: float
    worked_p95_ms: float


def summarise(hops: Iterable[Hop]) -> tuple[HopSummary, ...]:
    """One summary a service, in order of first appearance; every frame of a message counts once."""
    by_name: dict[str, list[Hop]] = {}
    for hop in hops:
        by_name.setdefault(hop.name, []).append(hop)
    return tuple(_summary(name, found) for name, found in by_name.items())


def _summary(name: str, hops: Sequence[Hop]) -> HopSummary:
    waited = sorted((hop.waited_ms, hop.frames) for hop in hops)
    worked = sorted((hop.worked_ms, hop.frames) for hop in hops)
    return HopSummary(
        hop=name,
        frames=sum(hop.frames for hop in hops),
        waited_p50_ms=_percentile(waited, 0.5),
        waited_p95_ms=_percentile(waited, 0.95),
        worked_p50_ms=_percentile(worked, 0.5),
        worked_p95_ms=_percentile(worked, 0.95),
    )


def _percentile(weighted: Sequence[tuple[float, int]], share: float) -> float:
    """Nearest-rank percentile of (value, weight) pairs sorted by value."""
    rank = share * sum(weight for _, weight in weighted)
    seen = 0
    for value, weight in weighted:
        seen += weight
        if seen >= rank:
            return round(value, 3)
    return 0.0
