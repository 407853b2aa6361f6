"""Dead letters: messages that were given up, looked through, tried again and dropped by whoever runs the service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from shared.model.errors import Lost, Malformed, Rejected
from shared.model.job_subjects import DEAD, DEAD_LETTERS, dead_letters_of, events_of
from shared.model.jobs import GAVE_UP, JobRecord, JobRequested, JobState, SegmentRequested, source_key
from shared.transport import wire
from shared.transport.ledger import JobLedger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.transport.bus import Bus, Kept
    from shared.transport.store import ObjectStore

REASON_HEADER = "visavis-reason"
TRACE_HEADER = "traceparent"
_request = wire.decoder(JobRequested | SegmentRequested)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that nobody will deliver any more."""

    number: int
    """By which it is named; no other ever has it."""
    kept_unix_seconds: float
    """When it was given up."""
    subject: str
    """Where it was."""
    reason: str
    job: str
    """Whose work it asks for; empty for what is not about a job, or cannot be read."""


class DeadLetters:
    """Those of one bus. Every method raises Unavailable if bus or store do not answer."""

    def __init__(self, bus: Bus, store: ObjectStore) -> None:
        self._bus, self._store, self._ledger = bus, store, JobLedger(store)

    async def each(self) -> AsyncIterator[DeadLetter]:
        """All that there are, oldest first."""
        async for kept in self._bus.browse(DEAD_LETTERS):
            yield _letter(kept)

    async def drop(self, number: int) -> None:
        """Remove a letter. Raises Lost if there is none of that number."""
        if not await self._bus.remove(DEAD_LETTERS, number):
            raise _no_such(number)

    async def retry(self, number: int) -> DeadLetter:
        """Have the job of a letter done after all, from its beginning; all letters of the job go.

        Raises Lost if there is none of that number, Rejected for one that cannot be tried again.
        """
        kept = await self._find(number)
        letter = _letter(kept)
        await self._reopen(letter)
        request = JobRequested(job=letter.job)
        trace = {name: value for name, value in kept.headers.items() if name.lower() == TRACE_HEADER}
        await self._bus.publish(request.subject, wire.encode(request), trace)
        for pattern in dead_letters_of(letter.job):
            await self._bus.purge(pattern)
        return letter

    async def _find(self, number: int) -> Kept:
        async for kept in self._bus.browse(DEAD_LETTERS, number):
            if kept.number == number:
                return kept
            break
        raise _no_such(number)

    async def _reopen(self, letter: DeadLetter) -> None:
        """Put the job back to where it was before its first try; who asks for it hears nothing of the old ones."""
        job = letter.job
        if not job:
            raise _hopeless(letter, "what it was about lived in memory, and is gone")
        try:
            record = await self._ledger.read(job)
        except Lost as error:
            raise _hopeless(letter, f"the job {job} has expired or was removed") from error
        if not _may_be_tried(record):
            raise _hopeless(letter, f"the job {job} is {record.state}")
        if not await self._store.exists(source_key(job)):
            raise _hopeless(letter, f"the upload of the job {job} is not there any more")
        await self._bus.purge(events_of(job))
        if not await self._ledger.reopen(record, reopened(record)):
            raise _hopeless(letter, f"somebody else does something with the job {job}")


def reopened(record: JobRecord) -> JobRecord:
    """The entry of a job whose work begins anew."""
    return msgspec.structs.replace(
        record, state=JobState.ACCEPTED, problem=None, segments=0, parts=(), attempt=0, frames=0, frames_expected=0,
        faces=0, timings=(), warnings=(),
    )  # fmt: skip


def _may_be_tried(record: JobRecord) -> bool:
    """Given up by no fault of its source. What was reopened by a retry that broke off, the gateways bring on."""
    return record.state is JobState.FAILED and record.problem is not None and record.problem.code == GAVE_UP


def _letter(kept: Kept) -> DeadLetter:
    try:
        job = wire.decode(kept.body, _request).job
    except Malformed:
        job = ""
    subject = kept.subject.removeprefix(DEAD)
    return DeadLetter(kept.number, kept.kept_unix_seconds, subject, kept.headers.get(REASON_HEADER, ""), job)


def _no_such(number: int) -> Lost:
    return Lost(f"There is no dead letter {number}: `visavis jobs dead list` has those that there are.")


def _hopeless(letter: DeadLetter, why: str) -> Rejected:
    detail = (
        f"Dead letter {letter.number} cannot be tried again: {why}. `visavis jobs dead drop {letter.number}` drops it."
    )
    return Rejected("not-retryable", detail)
