"""Calls back: whoever handed a job in is told over HTTP how it ended."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from shared.model.jobs import JobCancelled, JobDone, JobEvent, JobFailed, JobState

CALLBACK_TRIES = 14
"""So often a receiver is tried before the call back goes to the dead letters."""


class CallbackState(StrEnum):
    """pending -> delivered | failed."""

    PENDING = "pending"  # the job has not ended, or its receiver has not taken it yet
    DELIVERED = "delivered"
    FAILED = "failed"  # nobody tries any more


class CallbackStanding(msgspec.Struct, frozen=True, kw_only=True):
    """What has become of the call back of a job."""

    state: CallbackState = CallbackState.PENDING
    tries: int = 0
    detail: str = ""
    """What went wrong the last time; empty: nothing."""


class CallbackDue(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A job that wants a call back has ended. Gateway asks any gateway; the ledger says what is told, and to whom."""

    job: str
    event: JobState
    """How it ended."""

    @property
    def subject(self) -> str:
        """`jobs.callback`"""
        return "jobs.callback"

    @property
    def message_id(self) -> str:
        """The same however often it is told."""
        return f"{self.job}-{self.event}"


def end_of(event: JobEvent) -> JobState | None:
    """How a job ended, by one of its events; None where it goes on."""
    match event:
        case JobDone() | JobFailed():
            return event.record.state
        case JobCancelled():
            return JobState.CANCELLED
    return None


def callback_key(job: str) -> str:
    """Where it lies what has become of a job's call back."""
    return f"jobs/{job}/callback.json"
