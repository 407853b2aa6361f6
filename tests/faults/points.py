"""The named points at which a process is killed or stopped: which process, at which moment of a job."""

from __future__ import annotations

import random
from dataclasses import dataclass

PROCESSES = ("decoder", "ingest", "detect", "render", "gateway", "nats")
"""`decoder` is the child that is busy with the job at that moment: it plans, decodes or joins."""
MOMENTS = ("accepted", "planned", "drawing", "between", "joining")
"""Of a job: its 202 is read; it is cut into segments and no frame is drawn; frames of its first segments are drawn;
some segments are done, others are not; all are done and are being put together."""


@dataclass(frozen=True, slots=True)
class Point:
    """One process at one moment."""

    process: str
    moment: str

    @property
    def name(self) -> str:
        """As `render@between`."""
        return f"{self.process}@{self.moment}"


POINTS = tuple(Point(process, moment) for process in PROCESSES for moment in MOMENTS)


def stage(state: str, segments: int, segments_done: int, frames: int) -> int:
    """How far a job is: the place of its moment among MOMENTS, and one more for a job that has ended.

    frames: drawn so far, those of segments that are not done among them.
    """
    if state not in {"accepted", "running"}:
        return len(MOMENTS)
    if segments and segments == segments_done:
        return MOMENTS.index("joining")
    if segments_done:
        return MOMENTS.index("between")
    if frames:
        return MOMENTS.index("drawing")
    return MOMENTS.index("planned" if segments else "accepted")


def lot(seed: int) -> random.Random:
    """Draws the same again for the same seed."""
    return random.Random(seed)  # noqa: S311  -- no secret


def campaign(points: tuple[Point, ...], repeats: int, seed: int) -> list[Point]:
    """Every point so many times; each time all of them, in an order of its own."""
    drawn = lot(seed)
    return [point for _ in range(repeats) for point in drawn.sample(points, len(points))]


def sample(seed: int) -> list[Point]:
    """Each process once, at a moment by lot."""
    drawn = lot(seed)
    return [Point(process, drawn.choice(MOMENTS)) for process in PROCESSES]
