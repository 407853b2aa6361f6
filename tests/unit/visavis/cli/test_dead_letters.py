"""`visavis jobs dead` beside a real bus."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from shared.model.jobs import GAVE_UP, JobRecord, JobState, Problem, SegmentRequested, Want, source_key
from shared.model.looks import Look
from shared.model.media import MediaKind
from shared.transport import wire
from shared.transport.dead_letters import DeadLetter
from shared.transport.ledger import JobLedger
from shared.transport.nats_bus import NatsBus
from shared.transport.nats_server import NatsServer
from shared.transport.store import ObjectStore
from visavis.cli import main
from visavis.cli.dead_letters import line_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REQUEST = SegmentRequested(job="j", want=Want.FACES, look=Look())


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a service whose bus runs, with one job that was given up."""
    for name in ("NATS_URL", "STORE_URL", "VAR"):
        monkeypatch.delenv(f"VISAVIS_{name}", raising=False)
    server = NatsServer(tmp_path / "nats")
    server.start()
    try:
        asyncio.run(_give_up(server.url, tmp_path))
        yield tmp_path
    finally:
        server.stop()


async def _give_up(url: str, var: Path) -> None:
    store = ObjectStore.open((var / "objects").as_uri())
    await store.put(source_key("j"), b"an upload")
    record = JobRecord(
        id="j", state=JobState.FAILED, want=Want.FACES, look=Look(), source_kind=MediaKind.MP4,
        created_unix_seconds=0, problem=Problem(GAVE_UP, "Tried too often."),
    )  # fmt: skip
    await JobLedger(store).open_entry(record)
    bus = await NatsBus.connect(url, "test")
    try:
        await bus.publish(f"dead.{REQUEST.subject}", wire.encode(REQUEST), {"visavis-reason": "Tried too often."})
    finally:
        await bus.close()


def state(var: Path) -> JobState:
    return asyncio.run(JobLedger(ObjectStore.open((var / "objects").as_uri())).read("j")).state


def dead(var: Path, *words: str) -> int:
    return main(["jobs", "dead", *words, "--var", str(var)])


def test_letters_are_listed_one_a_line(var: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert dead(var, "list") == 0
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith("1  20")
    assert line.endswith("jobs.segment.j.0  j  Tried too often.")


def test_where_there_is_no_letter_it_is_said_beside_the_list(var: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert dead(var, "drop", "1") == 0
    assert capsys.readouterr() == ("", "")
    assert dead(var, "list") == 0
    assert capsys.readouterr() == ("", "none\n")


def test_a_letter_is_tried_again_by_its_number(var: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert dead(var, "retry", "1") == 0
    assert "the job j is asked for again" in capsys.readouterr().out
    assert state(var) is JobState.ACCEPTED
    assert (dead(var, "list"), capsys.readouterr().out) == (0, "")


def test_a_letter_is_dropped_by_its_number(var: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert dead(var, "drop", "1") == 0
    assert (dead(var, "list"), capsys.readouterr().out) == (0, "")
    assert (dead(var, "retry", "1"), state(var)) == (1, JobState.FAILED)
    assert "no dead letter 1" in capsys.readouterr().err


def test_without_a_bus_it_says_what_to_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["jobs", "dead", "list", "--var", str(tmp_path)]) == 1
    assert "--nats" in capsys.readouterr().err


def test_words_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        dead(tmp_path, "retry", "all")


def test_a_letter_about_no_job_has_a_line_too() -> None:
    letter = DeadLetter(7, 0.0, "lane.a.detect", "It cannot be read.", "")
    assert line_of(letter) == "7  1970-01-01T00:00:00+00:00  lane.a.detect  -  It cannot be read."
