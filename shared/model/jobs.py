"""Jobs: what is asked, what has become of it, and the events on the way."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from shared.model.hops import HopSummary, pooled
from shared.model.looks import Look
from shared.model.media import MediaKind, Span, VideoFacts
from shared.model.offers import ModelChoice

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TRIES = 5
"""So often a segment is tried before it goes to the dead letters."""
GAVE_UP = "gave-up"
"""The problem's code of a job whose every try was in vain, by no fault of its source."""
OUR_FAULTS = frozenset({"internal", "unavailable"})
"""Codes of problems that another try may not have; every other is the request's."""
DECODER_DEATHS = 2
"""A file that ends its decoder so often is at fault."""
WINDOW = 4
"""So many segments of one job wait or are worked on at a time: those of other jobs come in between."""


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


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One segment of a job, once somebody has begun it."""

    segment: int
    attempt: int
    owner: str
    """Lane and worker that have it, or had it."""
    deaths: int = 0
    """How often a decoder died of it, in whichever lane."""
    done: bool = False
    """Whether it lies in the object store."""
    frames: int = 0
    faces: int = 0
    damaged: int = 0
    """Places of the source where it is damaged."""
    early: bool = False
    """Whether the source ends before what it announces."""


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
    segments: int = 0
    """How many parts it has; 0 until it is planned."""
    parts: tuple[Part, ...] = ()
    """Those that were begun, by their numbers."""
    attempt: int = 0
    """The most that a segment of it has had."""
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
    callback: str = ""
    """Whom to call back when the job has ended: a URL that may hold secrets, for no log and no answer."""

    @property
    def told(self) -> JobRecord:
        """As events tell it: the bus keeps them for a day, and whom to call back is not its business."""
        return msgspec.structs.replace(self, callback="")

    @property
    def progress(self) -> float:
        """0..1, by frames; 0 while the source does not say how many there are."""
        if self.state is JobState.DONE:
            return 1.0
        return min(1.0, self.frames / self.frames_expected) if self.frames_expected else 0.0

    @property
    def segments_done(self) -> int:
        """How many parts lie in the object store."""
        return sum(part.done for part in self.parts)

    @property
    def is_whole(self) -> bool:
        """Whether every part lies in the object store."""
        return 0 < self.segments == self.segments_done

    @property
    def open_segments(self) -> Iterator[int]:
        """Those that are not done, in order."""
        done = {part.segment for part in self.parts if part.done}
        return (segment for segment in range(self.segments) if segment not in done)

    def part(self, segment: int) -> Part | None:
        """What has become of a segment; None if nobody has begun it."""
        return next((part for part in self.parts if part.segment == segment), None)

    def with_death(self, segment: int) -> JobRecord:
        """The entry after a decoder has died of a segment."""
        parts = tuple(
            msgspec.structs.replace(part, deaths=part.deaths + (part.segment == segment)) for part in self.parts
        )
        return msgspec.structs.replace(self, parts=parts)

    def without_part(self, segment: int) -> JobRecord:
        """The entry after a part was found to be gone: it is to be done anew."""
        parts = tuple(part for part in self.parts if part.segment != segment)
        frames, faces = (sum(getattr(part, name) for part in parts if part.done) for name in ("frames", "faces"))
        return msgspec.structs.replace(self, parts=parts, frames=frames, faces=faces)

    def with_part(self, part: Part, timings: Sequence[HopSummary] = ()) -> JobRecord:
        """The entry after a segment has got so far; what is done stays so, and what the plan does not have is none."""
        before = self.part(part.segment)
        if part.segment >= self.segments or (before is not None and before.done):
            return self
        if before is not None:
            part = msgspec.structs.replace(part, deaths=max(before.deaths, part.deaths))
        others = [one for one in self.parts if one.segment != part.segment]
        parts = tuple(sorted([*others, part], key=lambda one: one.segment))
        return msgspec.structs.replace(
            self,
            state=JobState.RUNNING,
            parts=parts,
            attempt=max(self.attempt, part.attempt),
            frames=sum(one.frames for one in parts if one.done),
            faces=sum(one.faces for one in parts if one.done),
            timings=pooled((*self.timings, *timings)),
        )


class JobRequested(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A job was taken in: it is to be planned, that is, cut into segments. Gateway asks any ingest."""

    job: str

    @property
    def subject(self) -> str:
        """`jobs.plan.<job>`"""
        return f"jobs.plan.{self.job}"


class SegmentRequested(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A segment of a job is to be processed by any ingest with room, or by a function elsewhere."""

    job: str
    segment: int = 0
    want: Want
    look: Look
    models: ModelChoice = ModelChoice()
    facts: VideoFacts | None = None
    """Of the whole video; None: what its first frame says."""
    span: Span | None = None
    """Which frames; None: all."""

    @property
    def subject(self) -> str:
        """`jobs.segment.<job>.<segment>`"""
        return f"jobs.segment.{self.job}.{self.segment}"


class _SegmentEvent(msgspec.Struct, frozen=True, kw_only=True):
    job: str
    segment: int = 0

    @property
    def subject(self) -> str:
        """`jobs.event.<job>.<segment>`"""
        return f"jobs.event.{self.job}.{self.segment}"


class _JobEvent(msgspec.Struct, frozen=True, kw_only=True):
    job: str

    @property
    def subject(self) -> str:
        """`jobs.event.<job>.job`"""
        return f"jobs.event.{self.job}.job"


class JobProgressed(_SegmentEvent, frozen=True, kw_only=True, tag=True):
    """Some frames more of a segment are drawn. Render tells whoever watches."""

    attempt: int
    frames: int
    faces: int
    timings: tuple[HopSummary, ...]


class SegmentDone(_SegmentEvent, frozen=True, kw_only=True, tag=True):
    """All frames of a segment are drawn and the part lies in the object store. Render tells ingest."""

    session: str
    frames: int
    faces: int
    timings: tuple[HopSummary, ...]
    damaged: int = 0
    """Places of the source that could not be read, as a function says; what its own decoder says ingest knows."""
    early: bool = False
    """True if the source stops before what it announces; as above."""
    continued: bool = False
    """Whether it went on from the context of the segment before, as a function says."""


class SegmentFailed(_SegmentEvent, frozen=True, kw_only=True, tag=True):
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


def end_of(record: JobRecord) -> JobDone | JobFailed | JobCancelled:
    """What is told of a job that has come to its end. Raises ValueError for one that has not."""
    match record.state:
        case JobState.DONE:
            return JobDone(job=record.id, record=record.told)
        case JobState.FAILED:
            return JobFailed(job=record.id, record=record.told)
        case JobState.CANCELLED:
            return JobCancelled(job=record.id)
    raise ValueError(f"the job {record.id} is {record.state}")


JobEvent = JobProgressed | SegmentDone | SegmentFailed | JobDone | JobFailed | JobCancelled


def events_of(job: str) -> str:
    """The pattern of all events of a job."""
    return f"jobs.event.{job}.*"


def folder_of(job: str) -> str:
    """Under which all of a job lies in the object store, save for its mark."""
    return f"jobs/{job}"


def record_key(job: str) -> str:
    """Where the ledger entry of a job lies in the object store."""
    return f"jobs/{job}/job.json"


def cancellation_key(job: str) -> str:
    """Where it lies that a job was cancelled: an object that is made once and never changes."""
    return f"jobs/{job}/cancelled"


def open_key(job: str) -> str:
    """The mark of a job that has not come to its end: by it such jobs are found without reading all entries."""
    return f"open/{job}"


def plan_key(job: str) -> str:
    """Where it lies how a job is cut into segments."""
    return f"jobs/{job}/plan.json"


def source_key(job: str) -> str:
    """Where the upload of a job lies."""
    return f"jobs/{job}/source"


def parts_key(job: str) -> str:
    """Under which the finished parts of a job lie."""
    return f"jobs/{job}/parts"


def part_key(job: str, segment: int) -> str:
    """Where the finished part of a segment lies; the same name however often it is done."""
    return f"jobs/{job}/parts/{segment:05d}"


def context_name(job: str, segment: int) -> str:
    """Under which the context store has what a function knew of the faces when it ended a segment."""
    return f"segment-{job}-{segment}"


def result_key(job: str) -> str:
    """Where the result of a job lies."""
    return f"jobs/{job}/result"
