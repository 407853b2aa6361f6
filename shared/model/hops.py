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


def pooled(summaries: Iterable[HopSummary]) -> tuple[HopSummary, ...]:
    """One summary a service of several: its percentiles are their means, each counted by its frames."""
    by_hop: dict[str, list[HopSummary]] = {}
    for summary in summaries:
        by_hop.setdefault(summary.hop, []).append(summary)
    return tuple(found[0] if len(found) == 1 else _pooled(found) for found in by_hop.values())


def _pooled(summaries: Sequence[HopSummary]) -> HopSummary:
    frames = sum(one.frames for one in summaries)

    def mean(name: str) -> float:
        total: float = sum(getattr(one, name) * one.frames for one in summaries)
        return round(total / max(1, frames), 3)

    return HopSummary(
        hop=summaries[0].hop,
        frames=frames,
        waited_p50_ms=mean("waited_p50_ms"),
        waited_p95_ms=mean("waited_p95_ms"),
        worked_p50_ms=mean("worked_p50_ms"),
        worked_p95_ms=mean("worked_p95_ms"),
    )


def _summary(name: str, hops: Sequence[Hop]) -> HopSummary:
    waited = sorted((hop.waited_ms, hop.frames) for hop in hops)
    worked = sorted((hop.worked_ms, hop.frames) for hop in hops)
    return HopSummary(
        hop=name,
        frames=sum(hop.frames for hop in hops),
        waited_p50_ms=percentile(waited, 0.5),
        waited_p95_ms=percentile(waited, 0.95),
        worked_p50_ms=percentile(worked, 0.5),
        worked_p95_ms=percentile(worked, 0.95),
    )


def percentile(weighted: Sequence[tuple[float, int]], share: float) -> float:
    """Nearest-rank percentile of (value, weight) pairs sorted by value."""
    rank = share * sum(weight for _, weight in weighted)
    seen = 0
    for value, weight in weighted:
        seen += weight
        if seen >= rank:
            return round(value, 3)
    return 0.0
