"""NVIDIA's daemon started and stopped: by a program of its name, and by NVIDIA's own where there is a card."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import psutil
import pytest

from shared.model.errors import Misconfigured
from tests.cuda.devices import MISSING
from visavis.mps import PROGRAM, Mps

TAKES = """#!/bin/sh
if [ "$1" = -f ]; then
    cd "$CUDA_MPS_PIPE_DIRECTORY" && rm -f told && mkfifo told
    sleep 3600 & # its server
    echo $! >server && touch control && read word <told && kill $!
else
    cat >"$CUDA_MPS_PIPE_DIRECTORY/told"
fi
"""
REFUSES = """#!/bin/sh
echo "An instance of this daemon is already running" >"$CUDA_MPS_LOG_DIRECTORY/control.log"
exit 1
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "bin" / PROGRAM
    path.parent.mkdir()
    monkeypatch.setenv("PATH", f"{path.parent}:{os.environ['PATH']}")
    return path


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    return tmp_path / "logs"


def put(program: Path, script: str) -> None:
    program.write_text(script)
    program.chmod(0o755)


def runs(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_its_processes_are_told_where_it_is_as_long_as_it_runs(program: Path, logs: Path) -> None:
    put(program, TAKES)
    mps, environment = Mps(os.environ, logs), {"HOME": "/", "CUDA_VISIBLE_DEVICES": "1"}
    assert mps.told(environment) == environment
    mps.start()
    folder, process = Path(mps.told({})["CUDA_MPS_PIPE_DIRECTORY"]), mps.process
    try:
        assert (folder / "control").exists()
        assert len(str(folder)) < 60
        assert mps.told(environment).keys() == {"HOME", "CUDA_MPS_PIPE_DIRECTORY", "CUDA_MPS_LOG_DIRECTORY"}
        assert not mps.has_ended
    finally:
        mps.stop()
    assert process is not None
    assert process.returncode == 0  # it quit when it was asked to
    assert mps.told(environment) == environment
    assert not folder.exists()


def test_one_that_has_ended_is_started_again_where_it_was(program: Path, logs: Path) -> None:
    put(program, TAKES)
    mps = Mps(os.environ, logs)
    mps.start()
    before, process = mps.told({}), mps.process
    try:
        assert process is not None
        process.kill()
        process.wait()
        assert mps.has_ended
        server = int((Path(before["CUDA_MPS_PIPE_DIRECTORY"]) / "server").read_text())
        mps.start()
        assert not runs(server)
        assert mps.told({}) == before
        assert not mps.has_ended
    finally:
        mps.stop()


def test_what_keeps_it_from_starting_is_said(program: Path, logs: Path) -> None:
    put(program, REFUSES)
    mps = Mps(os.environ, logs)
    with pytest.raises(Misconfigured, match="already running"):
        mps.start()
    assert mps.told({}) == {}
    mps.stop()  # once more is harmless


def test_where_there_is_none_that_is_said(logs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Misconfigured, match="driver"):
        Mps(os.environ, logs).start()


@pytest.mark.gpu
@pytest.mark.skipif(bool(MISSING), reason=MISSING)
@pytest.mark.skipif(shutil.which(PROGRAM) is None, reason=f"there is no {PROGRAM}")
def test_nvidias_own_starts_and_stops(logs: Path) -> None:
    mps = Mps(os.environ, logs)
    mps.start()
    process = mps.process
    mps.stop()
    assert process is not None
    assert process.returncode == 0
