"""Jobs: what is asked, what has become of it, and the events on the way."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from shared.model.hops import HopSummary
from shared.model.looks import Look
from shared.model.media import MediaKind
from shared.model.offers import ModelChoice

TRIES = 5
"""So often a segment is tried before it goes to the dead letters."""


class Want(StrEnum):
    """What comes out."""

    PICTURE = "picture"  # the retouched picture or video
    FACES = "faces"  # the faces, as JSON


class JobState(StrEnum):
    """accepted -> running -> done | failed | cancelled."""

    ACCEPTED = "accepted"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """True if nothing follows."""
        return self in {JobState.DONE, JobState.FAILED, JobState.CANCELLED}


class Problem(msgspec.Struct, frozen=True):
    """Why something failed, for a program and for a person."""

    code: str
    detail: str


class JobRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger entry of a job in the object store: the truth about it."""

    id: str
    state: JobState
    want: Want
    look: Look
    source_kind: MediaKind
    models: ModelChoice = ModelChoice()
    created_unix_seconds: float
    trace_id: str = ""
    owner: str = ""
    """The prefix of the key that has made it; empty where keys are not asked for."""
    attempt: int = 0
    frames: int = 0
    """Frames in the result so far."""
    frames_expected: int = 0
    """What the source claims; 0 where it claims nothing."""
    faces: int = 0
    """Faces drawn on or found, over all frames."""
    timings: tuple[HopSummary, ...] = ()
    warnings: tuple[str, ...] = ()
    """What was wrong with the source and did not keep the job from its end."""
    problem: Problem | None = None
    result_type: str = ""
    """Media type of the result."""
    result_bytes: int = 0

    @property
    def progress(self) -> float:
        """0..1, by frames; 0 while the source does not say how many there are."""
        if self.state is JobState.DONE:
            return 1.0
        return min(1.0, self.frames / self.frames_expected) if self.frames_expected else 0.0


class SegmentRequested(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A segment of a job is to be processed. Gateway asks any ingest with room."""

    job: str
    segment: int = 0
    want: Want
    look: Look
    models: ModelChoice = ModelChoice()

    @property
    def subject(self) -> str:
        """`jobs.segment`"""
        return "jobs.segment"


class _JobEvent(msgspec.Struct, frozen=True, kw_only=True):
    job: str

    @property
    def subject(self) -> str:
        """`jobs.event.<job>`"""
        return f"jobs.event.{self.job}"


class JobProgressed(_JobEvent, frozen=True, kw_only=True, tag=True):
    """Some frames more are drawn. Render tells whoever watches."""

    attempt: int
    frames: int
    frames_expected: int
    faces: int
    timings: tuple[HopSummary, ...]


class SegmentDone(_JobEvent, frozen=True, kw_only=True, tag=True):
    """All frames of a segment are drawn and the part lies in the object store. Render tells ingest."""

    session: str
    frames: int
    faces: int
    timings: tuple[HopSummary, ...]


class SegmentFailed(_JobEvent, frozen=True, kw_only=True, tag=True):
    """Render could not finish the segment. Ingest decides whether it is tried again."""

    session: str
    problem: Problem


class JobDone(_JobEvent, frozen=True, kw_only=True, tag=True):
    """The result lies in the object store."""

    record: JobRecord


class JobFailed(_JobEvent, frozen=True, kw_only=True, tag=True):
    """There will be no result; the record says why."""

    record: JobRecord


class JobCancelled(_JobEvent, frozen=True, kw_only=True, tag=True):
    """Nobody wants the result any more."""


JobEvent = JobProgressed | SegmentDone | SegmentFailed | JobDone | JobFailed | JobCancelled


def record_key(job: str) -> str:
    """Where the ledger entry of a job lies in the object store."""
    return f"jobs/{job}/job.json"


def cancellation_key(job: str) -> str:
    """Where it lies that a job was cancelled: an object that is made once and never changes."""
    return f"jobs/{job}/cancelled"


def source_key(job: str) -> str:
    """Where the upload of a job lies."""
    return f"jobs/{job}/source"


def part_key(job: str, segment: int) -> str:
    """Where the finished part of a segment lies; the same name however often it is done."""
    return f"jobs/{job}/parts/{segment:05d}"


def result_key(job: str) -> str:
    """Where the result of a job lies."""
    return f"jobs/{job}/result"
