"""Jobs as the gateway sees them: taken in, looked up, watched, cancelled."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import msgspec

from services.gateway.choices import read_look, read_models, read_want
from services.gateway.names import is_name, name_of, new_name
from services.gateway.problems import Refusal
from shared.model.errors import Lost, Rejected, Unavailable
from shared.model.hops import pooled
from shared.model.jobs import (
    JobCancelled,
    JobEvent,
    JobProgressed,
    JobRecord,
    JobRequested,
    JobState,
    SegmentDone,
    Want,
    events_of,
    folder_of,
    result_key,
    source_key,
)
from shared.model.looks import Look
from shared.transport import wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from services.gateway.admission import Admission
    from services.gateway.callbacks.rules import CallbackRules
    from services.gateway.uploads import Upload
    from shared.model.media import MediaKind
    from shared.runtime.telemetry import Telemetry
    from shared.transport.bus import Bus, Received
    from shared.transport.ledger import JobLedger
    from shared.transport.store import ObjectStore

_event = wire.decoder(JobEvent)


def merged(record: JobRecord, events: Sequence[JobEvent]) -> JobRecord:
    """The ledger's entry brought up to date by the newest event of each segment that is under way.

    A final entry stays; what is done already, or of an older attempt, adds nothing. The entry tells of an end.
    """
    if record.state.is_final:
        return record
    going_on = [event for event in events if isinstance(event, JobProgressed | SegmentDone) and _adds(record, event)]
    return msgspec.structs.replace(
        record,
        frames=record.frames + sum(event.frames for event in going_on),
        faces=record.faces + sum(event.faces for event in going_on),
        timings=pooled((*record.timings, *(summary for event in going_on for summary in event.timings))),
    )


def _adds(record: JobRecord, event: JobProgressed | SegmentDone) -> bool:
    part = record.part(event.segment)
    if part is None or part.done:
        return False
    return isinstance(event, SegmentDone) or event.attempt >= part.attempt


class JobDesk:
    """Takes jobs in and says what has become of them."""

    def __init__(
        self,
        bus: Bus,
        store: ObjectStore,
        ledger: JobLedger,
        telemetry: Telemetry,
        admission: Admission,
        callbacks: CallbackRules,
    ) -> None:
        self._bus = bus
        self._admission = admission
        self._callbacks = callbacks
        self._store = store
        self._ledger = ledger
        self._telemetry = telemetry
        self._watchers: set[asyncio.Event] = set()
        self._closed = False

    def let_go(self) -> None:
        """Watchers hear nothing more: the gateway stops, and they may come back to another."""
        self._closed = True
        for changed in self._watchers:
            changed.set()

    async def accept(self, upload: Upload, trace_id: str, owner: str = "", once: str = "") -> JobRecord:
        """Store the upload, open the entry, ask for the work; what fails on the way leaves nothing behind.

        owner: the prefix of the client's key. once: a word of the client's (Idempotency-Key). The job is its own then:
        whoever comes again with that word is told of it, and what he brings is not read.
        Raises Rejected or Refusal for what is wrong with the upload, Unavailable if store or bus do not answer.
        """
        job = name_of("job", owner, once) if once else new_name()
        if once and (earlier := await self._known(job)) is not None:
            await self._ask(earlier)
            return earlier
        kind = await upload.kind()
        if kind.is_still:
            hint = f"A job is for a video or an animation. This is {kind}: send it to /v1/images."
            raise Rejected("unsupported-media", hint)
        await self._record(job, upload, kind, trace_id)  # what is wrong already is said before the file comes
        async with self._nothing_left_if_it_fails(job, is_shared=bool(once)):
            try:
                await self._store.put(source_key(job), self._unless_overtaken(job, upload) if once else upload.pieces())
            except _Overtaken as quicker:
                return quicker.record
            record = await self._record(job, upload, kind, trace_id, stored=True)
            record = msgspec.structs.replace(record, owner=owner)
            if not await self._ledger.open_entry(record):
                return await self._ledger.read(job)  # the same word came twice at a time, and the other was quicker
            await self._ask(record)
        return record

    async def _unless_overtaken(self, job: str, upload: Upload) -> AsyncIterator[bytes]:
        """An upload's pieces. Raises _Overtaken at their end, before they are the job's source, if the same word has
        come with another request meanwhile and that one's source is worked on.

        The window is small and not shut: who opens the job between this look and the store's completing the object
        has his source replaced by it.
        """
        async for piece in upload.pieces():
            yield piece
        if (quicker := await self._known(job)) is not None:
            raise _Overtaken(quicker)

    async def _ask(self, record: JobRecord) -> None:
        """Have a job planned, unless that is done or asked for."""
        message = JobRequested(job=record.id)
        if record.state is JobState.ACCEPTED and not await self._bus.waiting(message.subject):
            await self._bus.publish(message.subject, wire.encode(message), self._telemetry.headers())

    async def owner(self, job: str) -> str:
        """The prefix of the key whose job it is. Raises Refusal `not-found`."""
        return (await self._read(job)).owner

    async def find(self, job: str) -> JobRecord:
        """A job as it stands now. Raises Refusal `not-found`."""
        record = await self._read(job)
        if record.state.is_final:
            return record
        under_way = [str(part.segment) for part in record.parts if not part.done]
        subjects = [events_of(job).replace("*", segment) for segment in under_way]
        found = [await self._bus.last(subject) for subject in subjects]
        return merged(record, [wire.decode(body, _event) for body in found if body])

    async def watch(self, job: str, pause_seconds: float) -> AsyncIterator[JobRecord | None]:
        """The job now and after each change, the final state last; None after every pause without a change."""
        record = await self.find(job)
        yield record
        if record.state.is_final:
            return
        async with self._bus.replay(events_of(job)) as events:
            changed = asyncio.Event()
            self._watchers.add(changed)
            hearing = asyncio.create_task(_hear(events, changed))
            try:
                while not (record.state.is_final or self._closed):
                    heard, newer = await _heard(changed, pause_seconds), record
                    try:  # an event only wakes: what counts is asked for
                        with suppress(Unavailable):
                            newer = await self.find(job)
                    except Refusal:
                        return  # it was removed meanwhile
                    if newer != record or not heard:
                        yield newer if newer != record else None
                    record = newer
            finally:
                hearing.cancel()
                self._watchers.discard(changed)

    async def cancel(self, job: str) -> None:
        """Nobody wants the job any more: its entry says so from now on, and whoever works on it is told."""
        await self._ledger.cancel(job)
        message = JobCancelled(job=job)
        await self._bus.publish(message.subject, wire.encode(message), self._telemetry.headers())

    async def result(self, job: str) -> tuple[JobRecord, int]:
        """A finished job and its result's bytes. Raises Refusal `not-found`, `not-done`, `job-failed`, `gone`."""
        record = await self.find(job)
        if record.state is JobState.CANCELLED:
            raise _gone(record)
        if record.state is JobState.FAILED:
            reason = record.problem.detail if record.problem else "The job failed."
            raise Refusal("job-failed", reason, state=record.state)
        if record.state is not JobState.DONE:
            raise Refusal("not-done", f"The job is {record.state}; its result is not there yet.", state=record.state)
        try:
            return record, await self._store.size(result_key(job))
        except Lost as error:
            raise _gone(record) from error

    def read_result(self, job: str, start: int, end: int) -> AsyncIterator[bytes]:
        """Bytes [start, end) of the result, piece by piece."""
        return self._store.read(result_key(job), start, end)

    async def _known(self, job: str) -> JobRecord | None:
        try:
            return await self._ledger.read(job)
        except Lost:
            return None

    async def _forget(self, job: str) -> None:
        await self._ledger.close_entry(job)
        await self._store.remove(folder_of(job))

    async def _read(self, job: str) -> JobRecord:
        unknown = Refusal("not-found", "There is no job of that id.")
        if not is_name(job):
            raise unknown
        try:
            return await self._ledger.read(job)
        except Lost as error:
            raise unknown from error

    async def _record(
        self, job: str, upload: Upload, kind: MediaKind, trace_id: str, *, stored: bool = False
    ) -> JobRecord:
        """The entry of a job by the fields that have come. Raises Rejected or Refusal for what is wrong with them.

        stored: the upload is kept; that no lane is warm just now is no reason any more to refuse it, as a job waits.
        """
        record = JobRecord(
            id=job,
            state=JobState.ACCEPTED,
            want=read_want(upload.fields),
            look=read_look(upload.fields, self._admission.presence),
            models=read_models(upload.fields),
            source_kind=kind,
            created_unix_seconds=time.time(),
            trace_id=trace_id,
            callback=self._callbacks.callback(upload.fields),
        )
        drawn = record.look if record.want is Want.PICTURE else Look()
        await self._admission.check(drawn, record.models, keeps_alpha=False, may_wait=stored)
        return record

    @asynccontextmanager
    async def _nothing_left_if_it_fails(self, job: str, *, is_shared: bool) -> AsyncIterator[None]:
        """is_shared: somebody else may be making the same job, by the same word: the sweeper finds what is left."""
        try:
            yield
        except BaseException:
            if not is_shared:
                await asyncio.shield(self._forget(job))
            raise


class _Overtaken(Exception):  # noqa: N818  -- an outcome
    """Another request with the same word has opened the job while this one's upload came."""

    def __init__(self, record: JobRecord) -> None:
        self.record = record
        super().__init__(record.id)


def _gone(record: JobRecord) -> Refusal:
    return Refusal("gone", "The job was cancelled or its result was removed.", state=record.state)


async def _hear(events: AsyncIterator[Received], changed: asyncio.Event) -> None:
    async for _ in events:
        changed.set()


async def _heard(changed: asyncio.Event, within_seconds: float) -> bool:
    try:
        async with asyncio.timeout(within_seconds):
            await changed.wait()
    except TimeoutError:
        return False
    changed.clear()
    return True
