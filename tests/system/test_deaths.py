"""Any process may die in mid-job: the job comes to its end all the same, whole, and nothing leaks."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import av
import httpx
import psutil
import pytest

from shared.memory.segment import segment_path
from tests.system.watching import PATIENCE_SECONDS, assert_nothing_left, until, wait_until, watched
from visavis.client import Client
from visavis.sample import write_sample
from visavis.stack import SERVICES, Stack, StackOptions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FRAMES = 150
pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample") / "sample.mp4"
    write_sample(path)
    return path


@pytest.fixture(scope="module")
def mortal(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose processes are killed, and started again by its watch."""
    var = tmp_path_factory.mktemp("var")
    with Stack(StackOptions(var=var, models=models)) as stack, watched(stack):
        yield stack
    assert_nothing_left(var)


@pytest.mark.parametrize("victim", [*SERVICES, "nats"])
def test_a_job_survives_a_sudden_death_of(mortal: Stack, sample: Path, tmp_path: Path, victim: str) -> None:
    restarts = mortal.restarts
    with Client(mortal.rest) as client:
        job = client.submit_job(sample, look="default", want="picture")
        until(client, job["id"], lambda found: found["frames"] > 0)
        os.kill(mortal.pid(victim), signal.SIGKILL)
        job = until(client, job["id"], lambda found: found["state"] in {"done", "failed"})
        assert job["state"] == "done", job["problem"]
        wait_until(lambda: mortal.restarts > restarts, "what was killed is started again")
        client.download(job["id"], tmp_path / "result")
    assert _pts(tmp_path / "result") == _pts(sample)
    _assert_every_slot_is_free(mortal)


def test_a_job_survives_the_death_of_everything_and_a_new_start(models: Path, sample: Path, tmp_path: Path) -> None:
    with _up(models, tmp_path) as (process, rest), Client(rest) as client:
        lanes = {_lane(process)}
        job = client.submit_job(sample, look="default", want="picture")
        until(client, job["id"], lambda found: found["frames"] > 0)
        process.kill()
        process.wait()
    with _up(models, tmp_path) as (process, rest), Client(rest) as client:
        lanes.add(_lane(process))
        job = until(client, job["id"], lambda found: found["state"] in {"done", "failed"})
        assert job["state"] == "done", job["problem"]
        client.download(job["id"], tmp_path / "result")
        assert _pts(tmp_path / "result") == _pts(sample)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert_nothing_left(tmp_path / "var")
    assert not [lane for lane in lanes if segment_path(lane).exists()]


@contextmanager
def _up(models: Path, folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`visavis up` as a user starts it, and its REST address."""
    command = [sys.executable, "-m", "visavis", "up", "--rest-port", "0", "--grpc-port", "0"]
    command += ["--var", str(folder / "var"), "--models", str(models)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.match(r"REST\s+(\S+)", line):
                yield process, found[1]
                break
        else:
            pytest.fail(f"visavis up ended with {process.wait()}")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _lane(process: subprocess.Popen[str]) -> str:
    services = (child for child in psutil.Process(process.pid).children() if "nats-server" not in child.name())
    return next(services).environ()["VISAVIS_LANE"]


def _assert_every_slot_is_free(stack: Stack) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    text = ""
    while time.monotonic() < end:
        text = httpx.get(f"{stack.rest}/metrics", timeout=PATIENCE_SECONDS).text
        if f'visavis_pool_slots_in_use{{lane="{stack.lane}"}} 0.0' in text:
            return
        time.sleep(0.2)
    pytest.fail("\n".join(line for line in text.splitlines() if "pool" in line) or "no metric of the pool")


def _pts(path: Path) -> list[float]:
    with av.open(str(path)) as file:
        video = file.streams.video[0]
        return [round(float(frame.pts * frame.time_base), 4) for frame in file.decode(video)]
