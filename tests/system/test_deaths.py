"""All processes may die in mid-job, and at once: the job comes to its end all the same, whole, and nothing leaks.

What happens when one of them dies: test_faults.py.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import av
import psutil
import pytest

from shared.memory.segment import segment_path
from tests.system.watching import assert_nothing_left, until
from visavis.client import Client
from visavis.sample import write_sample

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample") / "sample.mp4"
    write_sample(path)
    return path


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


def _pts(path: Path) -> list[float]:
    with av.open(str(path)) as file:
        video = file.streams.video[0]
        return [round(float(frame.pts * frame.time_base), 4) for frame in file.decode(video)]
