"""A whole service on this machine, two clips at a time for it, and the view into it that faults need."""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import httpx
import msgspec
import psutil

from shared.memory.segment import segment_path
from shared.model.jobs import JobRecord, folder_of, record_key
from tests.faults.points import stage
from tests.scrapes import slots_in_use
from tests.system.barcodes import RATE, write_clip
from tests.system.watching import left, watched
from visavis.client import Client, ProblemError
from visavis.stack import SERVICES, Stack, StackOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CLIPS = 4
CLIP_SECONDS = 6
FRAMES = CLIP_SECONDS * RATE
CUT = {"VISAVIS_SEGMENT_SECONDS": "2"}
SETTLE_SECONDS = 30
KEPT = {"job.json", "result"}
"""What lies in the store of a job that is done."""


class Stand:
    """A context: the service with its watch, which starts again what ends. `left` says afterwards what it left."""

    def __init__(self, folder: Path, models: Path, portrait_jpeg: bytes) -> None:
        """folder: an empty one, for clips, results and all that the service writes."""
        self.folder, self._portrait = folder, portrait_jpeg
        self._var = folder / "var"
        self.stack = Stack(StackOptions(var=self._var, models=models, environment=CUT, metrics=True))
        self._seen: set[psutil.Process] = set()
        self._clips: dict[int, Path] = {}
        self._exits = ExitStack()

    def __enter__(self) -> Self:
        with self._exits:
            for clip in range(CLIPS):
                self._clips[clip] = self.folder / f"{clip}.mp4"
                write_clip(self._clips[clip], self._portrait, clip, FRAMES)
            self._exits.enter_context(self.stack)
            self._exits.enter_context(watched(self.stack))
            self.client = self._exits.enter_context(Client(self.stack.rest))
            self._exits = self._exits.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.note_processes()
        self._exits.close()

    @property
    def left(self) -> dict[str, int]:
        """Segments of shared memory, processes and work files that are there, when nothing should be."""
        alive = [one for one in self._seen if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
        pools = int(segment_path(self.stack.lane).exists())
        return {"segments": pools, "processes": len(alive), "work_files": len(left(self._var))}

    def note_processes(self) -> None:
        """Remember who is there now: nobody of them may be there in the end."""
        for name in ("nats", *SERVICES):
            with suppress(psutil.NoSuchProcess):
                process = psutil.Process(self.stack.pid(name))
                self._seen |= {process, *process.children(recursive=True)}

    def clip(self, number: int) -> Path:
        """One of CLIPS, by its number."""
        return self._clips[number]

    def stage_told(self, job: str) -> int:
        """How far a job is, by REST; 0 where nobody answers. See `points.stage`."""
        found = self.document(job)
        if not found:
            return 0
        return stage(found["state"], found["segments"], found["segments_done"], found["frames"])

    def stage_kept(self, job: str) -> int:
        """How far a job is, by its entry in the store: quicker, but frames count with their segment only."""
        record = msgspec.json.decode((self._var / "objects" / record_key(job)).read_bytes(), type=JobRecord)
        return stage(record.state, record.segments, record.segments_done, record.frames)

    def document(self, job: str) -> dict[str, Any]:
        """The job by REST; empty where nobody answers."""
        with suppress(ProblemError):
            return self.client.job(job)
        return {}

    def pid(self, process: str, job: str) -> int:
        """Of a service or `nats`; of `decoder`, the child that has a file of the job open. 0: there is none."""
        if process != "decoder":
            return self.stack.pid(process)
        return next((pid for server in self._fork_servers() for pid in _children(server) if _reads(pid, job)), 0)

    def restarted(self, process: str, killed: int) -> None:
        """Wait until the place of a process that was killed is taken, and all is warm. killed: its id."""
        if process in SERVICES:
            _until(lambda: self.stack.pid(process) != killed)
            self.stack.wait_for_restart(process)
        _until(self.client.is_ready)

    def unsettled(self, jobs: list[str]) -> dict[str, int]:
        """Slots, work files and objects of jobs that are done, which are still there though given a while to go."""
        found: dict[str, int] = {}

        def settled() -> bool:
            found.update(slots=self._slots(), work_files=len(left(self._var)), objects=len(list(self._objects(jobs))))
            return not any(found.values())

        with suppress(TimeoutError):
            _until(settled)
        return found

    def _fork_servers(self) -> list[int]:
        return [pid for pid in _children(self.stack.pid("ingest")) if "fork_server" in _read(pid, "cmdline")]

    def _slots(self) -> int:
        """In use, by the lane's own account; 1 where it is not known."""
        with suppress(httpx.HTTPError, LookupError):
            return int(slots_in_use(self.stack))
        return 1

    def _objects(self, jobs: list[str]) -> Iterator[Path]:
        """What should not be in the store any more. A fragment of a writer that was killed stays, for the sweeper."""
        objects = self._var / "objects"
        for job in jobs:
            for path in (objects / folder_of(job)).rglob("*"):
                if path.is_file() and path.name not in KEPT and "#" not in path.name:
                    yield path


def _until(true: Callable[[], bool]) -> None:
    """Raises TimeoutError after SETTLE_SECONDS."""
    end = time.monotonic() + SETTLE_SECONDS
    while not true():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.05)


def _children(pid: int) -> list[int]:
    return [int(word) for word in _read(pid, f"task/{pid}/children").split()]


def _reads(pid: int, job: str) -> bool:
    with suppress(OSError):
        return any(job in str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir())
    return False


def _read(pid: int, name: str) -> str:
    """Of a process that may be gone: nothing then."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/{name}").read_text()
    return ""
