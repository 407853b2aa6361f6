"""What a service keeps: until its time is over, and work that was given up until somebody has it done after all."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING

import pytest

from services.gateway.names import new_name
from shared.model.jobs import GAVE_UP, JobFailed, JobRecord, JobState, Problem, SegmentRequested, Want, source_key
from shared.model.looks import Look
from shared.model.media import MediaKind
from shared.transport import wire
from shared.transport.ledger import JobLedger
from shared.transport.nats_bus import NatsBus
from shared.transport.store import ObjectStore
from tests.system.watching import wait_until
from visavis.cli import main
from visavis.client import Client, ProblemError
from visavis.stack import Stack, StackOptions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAY_SECONDS = 86_400


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("var")


@pytest.fixture(scope="module")
def stack(var: Path, models: Path) -> Iterator[Stack]:
    """A stack that sweeps often."""
    with Stack(StackOptions(var=var, models=models, environment={"VISAVIS_SWEEP_SECONDS": "0.5"})) as running:
        yield running


def test_a_job_that_is_older_than_its_time_is_gone_from_everywhere(stack: Stack, var: Path, clip: Path) -> None:
    with Client(stack.rest) as client:
        old, new = (client.submit_job(clip, want="faces")["id"] for _ in range(2))
        for job in (old, new):
            assert [event["state"] for event in client.events(job)][-1] == "done"
        then = time.time() - DAY_SECONDS - 60
        for path in (var / "objects" / "jobs" / old).iterdir():
            os.utime(path, (then, then))
        wait_until(lambda: _is_gone(client, old), "the job is gone")
        assert client.job(new)["expires_at"] > time.time() + DAY_SECONDS - 600
    jobs = var / "objects" / "jobs"
    wait_until(lambda: [path.name for path in jobs.iterdir()] == [new], "the folder of the old job is gone")
    wait_until(lambda: asyncio.run(_told(stack.nats_url, old)) is None, "its events are gone")


def test_work_that_was_given_up_is_done_when_it_is_asked_for_again(
    stack: Stack, var: Path, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = new_name()
    asyncio.run(_give_up(stack.nats_url, var, job, clip))
    with Client(stack.rest) as client:
        assert client.job(job)["problem"]["code"] == GAVE_UP
        assert main(["jobs", "dead", "list", "--var", str(var)]) == 0
        [line] = capsys.readouterr().out.splitlines()
        assert job in line
        assert main(["jobs", "dead", "retry", line.split()[0], "--var", str(var)]) == 0
        found = list(client.events(job))[-1]
        assert (found["state"], found["problem"]) == ("done", None)
        assert found["frames"] == 48
    capsys.readouterr()
    assert (main(["jobs", "dead", "list", "--var", str(var)]), capsys.readouterr().out) == (0, "")


async def _give_up(nats: str, var: Path, job: str, clip: Path) -> None:
    """As ingest leaves a job of which every try was in vain."""
    request = SegmentRequested(job=job, want=Want.FACES, look=Look())
    record = JobRecord(
        id=job, state=JobState.FAILED, want=Want.FACES, look=Look(), source_kind=MediaKind.MATROSKA,
        created_unix_seconds=time.time(), attempt=5, problem=Problem(GAVE_UP, "Tried too often."),
    )  # fmt: skip
    store = ObjectStore.open((var / "objects").as_uri())
    await store.put(source_key(job), clip)
    await JobLedger(store).open_entry(record)
    bus = await NatsBus.connect(nats, "test")
    try:
        event = JobFailed(job=job, record=record)
        await bus.publish(event.subject, wire.encode(event))
        await bus.publish(f"dead.{request.subject}", wire.encode(request), {"visavis-reason": "Tried too often."})
    finally:
        await bus.close()


async def _told(nats: str, job: str) -> object:
    bus = await NatsBus.connect(nats, "test")
    try:
        return await bus.newest(f"jobs.event.{job}.*")
    finally:
        await bus.close()


def _is_gone(client: Client, job: str) -> bool:
    try:
        client.job(job)
    except ProblemError as problem:
        if problem.code == "not-found":
            return True
        raise
    return False
