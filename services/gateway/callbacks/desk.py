"""Sees to it that whoever wants to hear of a job's end does: any gateway tells of any job.

Two queues: `ends` hears what happens to jobs and says what is due; `callbacks` keeps what is due until it is told.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import msgspec

from services.gateway.callbacks.answers import NotYet, Unwanted, pause_seconds
from services.gateway.documents import JobDocument
from services.gateway.problems import Refusal
from shared.model.callbacks import (
    CALLBACK_TRIES,
    CallbackDue,
    CallbackStanding,
    CallbackState,
    callback_key,
    end_of,
)
from shared.model.errors import Late, Lost, Postponed, Rejected, Unavailable
from shared.model.jobs import JobEvent
from shared.runtime.lifecycle import together
from shared.runtime.logs import log
from shared.runtime.stage import Passage, Stage
from shared.transport.topology import callback_queue, ends_queue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.gateway.callbacks.calling import Caller
    from services.gateway.callbacks.rules import CallbackRules
    from shared.model.addresses import RemoteUrl
    from shared.model.jobs import JobRecord
    from shared.runtime.stage import Publishable
    from shared.runtime.telemetry import Telemetry
    from shared.transport.bus import Bus
    from shared.transport.ledger import JobLedger
    from shared.transport.store import ObjectStore

AT_A_TIME = 16
"""Calls that one gateway makes at a time."""
_chance = secrets.SystemRandom()


class CallbackDesk:
    """Knows what is due, what was told, and what nobody would hear."""

    def __init__(self, store: ObjectStore, ledger: JobLedger, rules: CallbackRules, caller: Caller) -> None:
        self._store = store
        self._ledger = ledger
        self._rules = rules
        self._caller = caller

    async def run(self, bus: Bus, telemetry: Telemetry) -> None:
        """Call back until cancelled; returns at once where there is no secret to sign with."""
        if not self._rules.keys:
            return
        ends: Stage[JobEvent] = Stage(bus, telemetry, ends_queue(), JobEvent, self.ended)
        calls: Stage[CallbackDue] = Stage(bus, telemetry, callback_queue(), CallbackDue, self.call)
        calls.bury = self.bury
        await together(ends.run(), calls.run(AT_A_TIME))

    async def standing(self, record: JobRecord) -> CallbackStanding:
        """What has become of a job's call back so far."""
        if not record.callback or not record.state.is_final:
            return CallbackStanding()
        try:
            return await self._kept(record.id)
        except Unavailable:  # the job itself is known, and that is what was asked for
            return CallbackStanding()

    async def ended(self, passage: Passage[JobEvent]) -> list[CallbackDue]:
        """What is due after something happened to a job: an end that is told once more is called for once."""
        job, end = passage.message.job, end_of(passage.message)
        if end is None or not (await self._ledger.read(job)).callback or (await self._kept(job)).tries:
            return []
        return [CallbackDue(job=job, event=end)]

    async def call(self, passage: Passage[CallbackDue]) -> list[CallbackDue]:
        """Tell a receiver how its job ended. Nothing follows; what becomes of it the errors say.

        Raises Late where it was told or is wanted no more, Postponed for another try, Rejected where that is in vain.
        """
        try:
            await self._tell(passage.message, passage.tries)
        except Postponed:
            raise
        except Unavailable as error:  # ledger and store are given as long as receivers are
            raise Postponed(str(error), self._pause(passage.tries)) from error
        return []

    async def bury(self, due: CallbackDue, reason: str) -> Sequence[Publishable]:
        """Every try was in vain."""
        await self._keep(due.job, CallbackState.FAILED, CALLBACK_TRIES, reason)
        return ()

    async def _tell(self, due: CallbackDue, tries: int) -> None:
        record = await self._wanted(due)
        try:
            url = self._rules.url(record.callback)
            verdict = await self._caller.call(url, due.message_id, _body(record))
        except (Rejected, Refusal) as error:
            await self._keep(due.job, CallbackState.FAILED, tries, error.detail)
            raise Rejected(error.code, error.detail) from error
        if isinstance(verdict, NotYet):
            raise await self._put_off(due, tries, url, verdict)
        if isinstance(verdict, Unwanted):
            await self._keep(due.job, CallbackState.FAILED, tries, "It is gone (HTTP 410).")
            raise Late(f"{url.place} wants to hear of {due.job} no more (HTTP 410).")
        await self._keep(due.job, CallbackState.DELIVERED, tries)
        log.info("called back", receiver=url.place, job_state=due.event, tries=tries)

    async def _wanted(self, due: CallbackDue) -> JobRecord:
        record = await self._ledger.read(due.job)
        if not record.callback or (await self._kept(due.job)).state is CallbackState.DELIVERED:
            raise Late(f"Nothing is to be told of {due.job} any more.")
        if not record.state.is_final:
            raise Unavailable(f"The ledger does not know yet that {due.job} has ended.")
        if record.state is not due.event:
            raise Late(f"{due.job} is {record.state} meanwhile, which is told by itself.")
        return record

    async def _put_off(self, due: CallbackDue, tries: int, url: RemoteUrl, verdict: NotYet) -> Postponed | Rejected:
        if tries >= CALLBACK_TRIES:
            await self._keep(due.job, CallbackState.FAILED, tries, verdict.detail)
            detail = f"{url.place} did not hear of {due.job} in {tries} tries. {verdict.detail}"
            return Rejected("callback-failed", detail)
        await self._keep(due.job, CallbackState.PENDING, tries, verdict.detail)
        pause = self._pause(tries, verdict.wait_seconds)
        return Postponed(f"{url.place} could not be told of {due.job}. {verdict.detail}", pause)

    def _pause(self, tries: int, asked_seconds: float | None = None) -> float:
        return pause_seconds(tries, self._rules.first_pause_seconds, _chance.random(), asked_seconds)

    async def _kept(self, job: str) -> CallbackStanding:
        try:
            return msgspec.json.decode(await self._store.get(callback_key(job)), type=CallbackStanding)
        except Lost:
            return CallbackStanding()

    async def _keep(self, job: str, state: CallbackState, tries: int, detail: str = "") -> None:
        standing = CallbackStanding(state=state, tries=tries, detail=detail)
        await self._store.put(callback_key(job), msgspec.json.encode(standing))


def _body(record: JobRecord) -> bytes:
    return JobDocument.of(record).model_dump_json().encode()
