"""Letters that may be tried again, and all that may not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from shared.model.errors import Lost, Rejected, Unavailable
from shared.model.jobs import (
    GAVE_UP,
    JobFailed,
    JobRecord,
    JobRequested,
    JobState,
    Part,
    Problem,
    SegmentRequested,
    Want,
    record_key,
    source_key,
)
from shared.model.looks import Look
from shared.model.media import MediaKind
from shared.testing import MemoryBus
from shared.transport import wire
from shared.transport.dead_letters import DeadLetter, DeadLetters
from shared.transport.ledger import JobLedger
from shared.transport.store import ObjectStore

if TYPE_CHECKING:
    from pathlib import Path

REQUEST = SegmentRequested(job="j", want=Want.FACES, look=Look(smooth=0.5))
FAILED = JobRecord(
    id="j", state=JobState.FAILED, want=Want.FACES, look=Look(smooth=0.5), source_kind=MediaKind.MP4,
    created_unix_seconds=7, attempt=6, segments=3,
    parts=(Part(segment=0, attempt=1, owner="a/1", done=True),),
    frames=5, problem=Problem(GAVE_UP, "It was tried 5 times."),
)  # fmt: skip
HEADERS = {"visavis-reason": "It was tried.", "traceparent": "00-a-b-01", "visavis-sent-ns": "1"}


class Office:
    """A job that was given up, with its letter, its event and its upload."""

    def __init__(self, folder: Path) -> None:
        self.bus, self.store = MemoryBus(), ObjectStore.open(folder.as_uri())
        self.ledger, self.letters = JobLedger(self.store), DeadLetters(self.bus, self.store)

    async def give_up(self, **changes: Any) -> None:
        record = JobRecord(**{name: getattr(FAILED, name) for name in FAILED.__struct_fields__} | changes)
        await self.store.put(record_key("j"), msgspec.json.encode(record))
        await self.store.put(source_key("j"), b"an upload")
        event = JobFailed(job="j", record=record)
        await self.bus.publish(event.subject, wire.encode(event))
        await self.bus.publish(f"dead.{REQUEST.subject}", wire.encode(REQUEST), HEADERS)

    async def listed(self) -> list[DeadLetter]:
        return [letter async for letter in self.letters.each()]

    async def number(self) -> int:
        return (await self.listed())[-1].number


@pytest.fixture
async def office(tmp_path: Path) -> Office:
    made = Office(tmp_path)
    await made.give_up()
    return made


async def test_a_letter_tells_what_it_asks_for_and_why_it_is_dead(office: Office) -> None:
    [letter] = await office.listed()
    assert (letter.subject, letter.reason, letter.job) == (REQUEST.subject, "It was tried.", "j")
    assert letter.kept_unix_seconds > 1e9


async def test_a_job_that_is_tried_again_is_asked_for_as_if_for_the_first_time(office: Office) -> None:
    plan = JobRequested(job="j")
    await office.bus.publish(f"dead.{plan.subject}", wire.encode(plan))
    await office.letters.retry(await office.number())
    [asked] = office.bus.kept("jobs.plan.*")
    assert (asked.subject, asked.body) == (plan.subject, wire.encode(plan))
    assert await office.ledger.open_jobs() == ["j"]
    assert (await office.listed(), office.bus.kept("jobs.event.j.*")) == ([], [])
    record = await office.ledger.read("j")
    assert (record.state, record.problem, record.attempt, record.frames) == (JobState.ACCEPTED, None, 0, 0)
    assert (record.segments, record.parts) == (0, ())
    assert (record.look, record.created_unix_seconds) == (FAILED.look, 7)


async def test_the_trace_of_a_letter_goes_on(office: Office) -> None:
    await office.letters.retry(await office.number())
    assert office.bus.kept("jobs.plan.*")[0].headers == {"traceparent": "00-a-b-01"}


async def test_a_retry_that_broke_off_leaves_an_open_job(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    number = await office.number()

    async def away(*_: object) -> None:
        raise Unavailable("The bus is away.")

    with monkeypatch.context() as broken:
        broken.setattr(office.bus, "publish", away)
        with pytest.raises(Unavailable):
            await office.letters.retry(number)
    assert await office.ledger.open_jobs() == ["j"]  # the gateways bring it on
    with pytest.raises(Rejected, match="the job j is accepted"):
        await office.letters.retry(number)


async def test_somebody_who_is_quicker_is_not_overwritten(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    async def quicker(*_: object) -> bool:
        return False

    monkeypatch.setattr(office.store, "replace", quicker)
    with pytest.raises(Rejected, match="somebody else"):
        await office.letters.retry(await office.number())
    assert (await office.ledger.read("j")).state is JobState.FAILED


@pytest.mark.parametrize(
    "changes",
    [
        {"state": JobState.DONE, "problem": None},
        {"state": JobState.CANCELLED},
        {"state": JobState.RUNNING},
        {"problem": Problem("damaged-media", "The file is damaged.")},
    ],
)
async def test_a_job_that_was_not_given_up_is_not_tried_again(office: Office, changes: dict[str, Any]) -> None:
    await office.give_up(**changes)
    before = await office.ledger.read("j")
    with pytest.raises(Rejected, match="cannot be tried again: the job j is"):
        await office.letters.retry(await office.number())
    assert await office.ledger.read("j") == before
    assert (len(await office.listed()), office.bus.kept("jobs.plan.*")) == (2, [])


@pytest.mark.parametrize(("key", "said"), [(record_key, "expired or was removed"), (source_key, "upload of the job")])
async def test_a_job_of_which_something_is_gone_is_not_tried_again(office: Office, key: Any, said: str) -> None:
    await office.store.remove(key("j"))
    with pytest.raises(Rejected, match=said):
        await office.letters.retry(await office.number())
    assert len(await office.listed()) == 1


@pytest.mark.parametrize("body", [b"no message at all", b"\x81\xa4type\xa5Other"])
async def test_what_is_about_no_job_is_shown_and_not_tried_again(office: Office, body: bytes) -> None:
    await office.bus.publish("dead.lane.a.detect", body)
    letter = (await office.listed())[-1]
    assert (letter.subject, letter.reason, letter.job) == ("lane.a.detect", "", "")
    with pytest.raises(Rejected, match="lived in memory"):
        await office.letters.retry(letter.number)


async def test_what_is_dropped_is_gone_and_its_job_stays(office: Office) -> None:
    number = await office.number()
    await office.letters.drop(number)
    assert await office.listed() == []
    assert (await office.ledger.read("j")).state is JobState.FAILED
    with pytest.raises(Lost, match=f"no dead letter {number}"):
        await office.letters.drop(number)


async def test_a_number_that_no_letter_has_is_not_taken_for_another(office: Office) -> None:
    number = await office.number()
    await office.letters.drop(number)
    await office.give_up()
    with pytest.raises(Lost, match="no dead letter"):
        await office.letters.retry(number)
    assert len(await office.listed()) == 1
