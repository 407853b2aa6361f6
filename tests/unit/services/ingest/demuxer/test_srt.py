"""services/ingest/demuxer/srt.py: the command carries what is asked for, and no program outlives its context."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import pytest

from services.ingest.demuxer.srt import SrtProgram, srt_command
from services.ingest.limits import IngestLimits
from shared.model.errors import Rejected

URL = "srt://host:9000?streamid=%23%21::r=a&passphrase=ten letters&latency=200&pbkeylen=32"


def script(folder: Path, body: str) -> str:
    """A program that does this, whatever it is told."""
    path = folder / "program"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def test_the_command_has_what_the_url_asks_for_and_leads_to_the_tunnel() -> None:
    command = srt_command("/bin/ffmpeg", URL, 4711, IngestLimits(source_silence_seconds=7))
    told = dict(itertools.pairwise(command))
    assert told["-i"] == "srt://127.0.0.1:4711?mode=caller"
    wanted = {"-srt_streamid": "#!::r=a", "-passphrase": "ten letters", "-latency": "200000", "-pbkeylen": "32"}
    assert {name: told[name] for name in wanted} == wanted
    assert told["-timeout"] == "7000000"
    assert "-passphrase" not in srt_command("/bin/ffmpeg", "srt://host:9000", 4711, IngestLimits())


def test_what_the_program_says_is_read_as_it_comes_and_to_its_end(tmp_path: Path) -> None:
    with SrtProgram(script(tmp_path, "printf abc; sleep 0.2; printf d"), URL, 1, IngestLimits()) as program:
        program.await_bytes()
        assert program.read(2) == b"ab"
        assert [program.read(100), program.read(100), program.read(100)] == [b"c", b"d", b""]


def test_a_program_that_says_nothing_is_a_source_that_is_not_there(tmp_path: Path) -> None:
    with (
        SrtProgram(script(tmp_path, "exit 1"), URL, 1, IngestLimits()) as program,
        pytest.raises(Rejected, match="gives nothing"),
    ):
        program.await_bytes()


def test_a_program_that_is_not_there_is_refused_with_the_reason() -> None:
    with pytest.raises(Rejected, match="No such file"), SrtProgram("/nowhere/ffmpeg", URL, 1, IngestLimits()):
        pass


def test_on_leaving_the_program_is_dead(tmp_path: Path) -> None:
    with SrtProgram(script(tmp_path, "echo $$; exec sleep 60"), URL, 1, IngestLimits()) as program:
        place = Path("/proc", program.read(100).decode().strip())
        assert place.exists()
    deadline = time.monotonic() + 5
    while place.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not place.exists()
