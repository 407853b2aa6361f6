"""A store that is full, or takes nothing for a while: who asks is told so, nothing stays behind, no job is lost."""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.system.watching import wait_until
from visavis.client import Client, ProblemError
from visavis.sample import write_sample
from visavis.stack import Stack, StackOptions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STORE_BYTES = 24 << 20
ROOM_BYTES = 64 << 10
REFUSING_SECONDS = 10
PATIENCE_SECONDS = 120
pytestmark = pytest.mark.timeout(300)


class Disk:
    """A small file system of its own, with the store in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.objects = folder / "objects"
        self._filler = folder / "filler"

    def fill(self, room_bytes: int = ROOM_BYTES) -> None:
        """Leave hardly any room, or none. What is left may be made less, and is at no moment more."""
        free = os.statvfs(self._folder)
        with self._filler.open("ab") as filler:
            filler.write(bytes(free.f_bavail * free.f_frsize - room_bytes))

    def empty(self) -> None:
        """Give the room back."""
        self._filler.unlink(missing_ok=True)

    def refuse(self) -> None:
        """Have room for more, and take nothing. What is just being written ends first."""
        self._remount(f"ro,size={2 * STORE_BYTES}")

    def take(self) -> None:
        """Take what is written."""
        self._remount("rw")

    def _remount(self, how: str) -> None:
        wait_until(lambda: _mount("-o", f"remount,{how}", str(self._folder)) == 0, f"the store is {how}")

    def files(self, job: str = "") -> set[str]:
        """What lies in the store, or of a job in it."""
        folder = self.objects / "jobs" / job
        return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disk]:
    folder = tmp_path_factory.mktemp("disk")
    if os.geteuid() != 0:
        pytest.skip("A small file system can be mounted by root only.")
    if _mount("-t", "tmpfs", "-o", f"size={STORE_BYTES}", "visavis-test", str(folder)) != 0:
        pytest.skip("No file system can be mounted here.")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(scope="module")
def stack(disk: Disk, models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    options = StackOptions(
        var=tmp_path_factory.mktemp("var"), models=models, environment={"VISAVIS_STORE_URL": disk.objects.as_uri()}
    )
    with Stack(options) as running:
        yield running


@pytest.fixture
def sound(disk: Disk) -> Iterator[Disk]:
    """The disk, which is as it was afterwards."""
    try:
        yield disk
    finally:
        disk.take()
        disk.empty()


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample") / "sample.mp4"
    write_sample(path)
    assert path.stat().st_size > ROOM_BYTES
    return path


def test_an_upload_for_which_there_is_no_room_leaves_nothing_and_may_come_again(
    stack: Stack, sound: Disk, sample: Path
) -> None:
    with Client(stack.rest) as client:
        before = sound.files()
        sound.fill()
        with pytest.raises(ProblemError, match="no room") as refused:
            client.submit_job(sample)
        assert (refused.value.status, refused.value.code) == (507, "storage-full")
        assert sound.files() == before
        sound.empty()
        assert _end(client, client.submit_job(sample)["id"])["state"] == "done"


def test_a_job_can_be_cancelled_and_removed_where_there_is_no_room(stack: Stack, sound: Disk, sample: Path) -> None:
    with Client(stack.rest) as client:
        job = _without_end(client, sound, sample)
        sound.fill(room_bytes=0)
        assert client.cancel(job)["state"] == "cancelled"
        wait_until(lambda: sound.files(job) <= {"job.json", "cancelled"}, "only the entry is left")
        assert client.cancel(job)["state"] == "removed"
        assert sound.files(job) == set()


def test_a_running_job_waits_for_room(stack: Stack, sound: Disk, sample: Path, tmp_path: Path) -> None:
    with Client(stack.rest) as client:
        waited = _waits(stack)
        job = _without_end(client, sound, sample)
        wait_until(lambda: _waits(stack) > waited, "somebody waits for the store")
        assert client.job(job)["state"] == "running"
        sound.empty()
        _assert_is_done(client, sound, job, tmp_path)


def test_a_job_survives_a_store_that_takes_nothing_for_ten_seconds(
    stack: Stack, sound: Disk, sample: Path, tmp_path: Path
) -> None:
    with Client(stack.rest) as client:
        job = _without_end(client, sound, sample)
        sound.refuse()
        before, waited = sound.files(), _waits(stack)
        with pytest.raises(ProblemError) as refused:
            client.submit_job(sample)
        assert (refused.value.status, refused.value.code) == (503, "unavailable")
        time.sleep(REFUSING_SECONDS)
        assert sound.files() == before
        wait_until(lambda: _waits(stack) > waited, "somebody waits for the store")
        sound.take()
        _assert_is_done(client, sound, job, tmp_path)


def _without_end(client: Client, disk: Disk, source: Path) -> str:
    """A job that is worked on, and for whose result there is no room."""
    disk.fill(source.stat().st_size + ROOM_BYTES)
    job: str = client.submit_job(source)["id"]
    wait_until(lambda: client.job(job)["frames"] > 0, "the job runs")
    return job


def _assert_is_done(client: Client, disk: Disk, job: str, folder: Path) -> None:
    found = _end(client, job)
    assert found["state"] == "done", found["problem"]
    assert client.download(job, folder / "result").stat().st_size == found["result_bytes"]
    wait_until(lambda: disk.files(job) == {"job.json", "result"}, "the upload and the parts are removed")


def _waits(stack: Stack) -> int:
    """How often services have said that they wait for the store."""
    return sum(log.read_text(errors="replace").count("the store is waited for") for log in stack.logs.glob("*.log"))


def _end(client: Client, job: str) -> dict[str, Any]:
    wait_until(lambda: client.job(job)["state"] in {"done", "failed"}, "the job has come to its end", PATIENCE_SECONDS)
    return client.job(job)


def _mount(*words: str) -> int:
    return subprocess.run(["mount", *words], check=False, capture_output=True).returncode
