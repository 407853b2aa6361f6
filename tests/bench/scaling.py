"""A day of jobs, and the lanes that work on them: some that are always there, some that come and go by a rule."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.bench.autoscaling import Autoscaler

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.bench.autoscaling import Rule


@dataclass(frozen=True, slots=True)
class Work:
    """What jobs and lanes are like."""

    segments: int
    """Of a job."""
    segment_seconds: float
    """That a lane takes for each of those that it does at a time."""
    at_a_time: int
    start_seconds: float
    """From wanting a lane to its first segment."""


@dataclass(slots=True)
class _Job:
    came: float
    left: int
    """Segments that are not done."""


@dataclass(slots=True)
class _Lane:
    ready_at: float
    works: list[tuple[float, _Job]] = field(default_factory=list)
    """Segments under way, and when they are done."""
    is_told_to_end: bool = False
    """It takes nothing more, and is there until what it has is done."""


@dataclass(slots=True)
class Outcome:
    """What became of a day."""

    delays: list[tuple[float, float]] = field(default_factory=list)
    """Of each job: when it came, and how long it took; seconds."""
    lanes: list[int] = field(default_factory=list)
    """In each second: those that are paid for."""

    @property
    def lane_hours(self) -> float:
        """What is paid for."""
        return sum(self.lanes) / 3600

    def delay(self, share: float) -> float:
        """So many of the jobs (0..1) took no longer, seconds."""
        took = sorted(seconds for _, seconds in self.delays)
        return took[min(len(took) - 1, int(share * len(took)))]


def simulate(arrivals: Iterable[float], work: Work, fixed: int, rule: Rule | None = None, seconds: int = 0) -> Outcome:
    """Until all jobs are done, and so many seconds at the least.

    arrivals: of jobs, seconds, rising. fixed: lanes that are always there, ready from the beginning; beside them those
    of the rule.
    """
    outcome, scaler = Outcome(), Autoscaler(rule) if rule is not None else None
    coming, waiting = deque(arrivals), deque[_Job]()
    lanes, scaled, now = [_Lane(-math.inf) for _ in range(fixed)], list[_Lane](), 0
    while coming or waiting or now < seconds or any(lane.works for lane in (*lanes, *scaled)):
        while coming and coming[0] <= now:
            waiting.extend([_Job(coming.popleft(), work.segments)] * work.segments)
        for lane in (*lanes, *scaled):
            if lane.works:
                _finish(lane, now, outcome)
            _begin(lane, now, work, waiting)
        if scaler is not None:
            lag = len(waiting) + sum(len(lane.works) for lane in (*lanes, *scaled))
            scaled = _fitted(scaled, scaler.look(now, lag), now + work.start_seconds)
        outcome.lanes.append(len(lanes) + len(scaled))
        now += 1
    return outcome


def _finish(lane: _Lane, now: int, outcome: Outcome) -> None:
    for end, job in lane.works:
        if end <= now:
            job.left -= 1
            if not job.left:
                outcome.delays.append((job.came, end - job.came))
    lane.works = [one for one in lane.works if one[0] > now]


def _begin(lane: _Lane, now: int, work: Work, waiting: deque[_Job]) -> None:
    while waiting and lane.ready_at <= now and not lane.is_told_to_end and len(lane.works) < work.at_a_time:
        lane.works.append((now + work.segment_seconds, waiting.popleft()))


def _fitted(scaled: list[_Lane], wanted: int, ready_at: float) -> list[_Lane]:
    """Lanes after a look of the scaler: new ones start, the newest are told to end, and are gone when they are idle."""
    there = [lane for lane in scaled if not lane.is_told_to_end]
    for lane in there[wanted:]:
        lane.is_told_to_end = True
    new = [_Lane(ready_at) for _ in range(wanted - len(there))]
    return [lane for lane in scaled if lane.works or not lane.is_told_to_end] + new
