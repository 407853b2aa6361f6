"""One round: two jobs of different clips, a fault in the middle, and what has become of both."""

from __future__ import annotations

import os
import signal
import statistics
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from tests.faults.points import MOMENTS, Point
from tests.faults.stand import CLIPS, FRAMES
from tests.system.barcodes import Faults, faults

if TYPE_CHECKING:
    import random

    from tests.faults.stand import Stand

END_SECONDS = 120
"""A job that has not ended by then counts as lost."""
TRIES = 4
"""A point that passes too quickly is tried so often."""
UNDISTURBED, UNDISTURBED_EVERY = 3, 10
"""So many rounds without a fault come first, and another after so many with one; the median of the last ones counts."""
KILL = 0.0


@dataclass(slots=True)
class Round:
    """What was found."""

    point: str
    missed: int = 0
    """Times that the moment was over before the process was found."""
    hit: bool = False
    load: float = 0.0
    """Of the machine in the minute before the fault: processes that ran or waited for a core."""
    jobs_lost: int = 0
    frames: dict[str, int] = field(default_factory=lambda: asdict(Faults()))
    left: dict[str, int] = field(default_factory=dict)
    recovery_seconds: float = 0.0
    """From the fault (or, of a process that was stopped, from its going on) until both jobs had ended, less what they
    take from that moment without a fault: below 0 where the machine was less busy than then."""
    said: list[str] = field(default_factory=list)
    """Of jobs that are lost: how they stood."""

    @property
    def is_clean(self) -> bool:
        """Whether nothing is lost, doubled, foreign or left."""
        return not (self.jobs_lost or any(self.frames.values()) or any(self.left.values()))


class Rounds:
    """Makes rounds on one stand, with the clips by lot."""

    def __init__(self, stand: Stand, lot: random.Random, stop_seconds: float = KILL) -> None:
        """stop_seconds: for so long a process is stopped; 0: it is killed."""
        self._stand, self._lot, self._stop_seconds = stand, lot, stop_seconds
        self.undisturbed: list[dict[str, float]] = []
        """Of each round without a fault: what both jobs took from each moment on, seconds."""

    def measure_undisturbed(self, rounds: int = UNDISTURBED) -> None:
        """Add to `undisturbed`. Raises AssertionError if anything is wrong without a fault, too."""
        for _ in range(rounds):
            found, jobs = Round("none"), self._submitted()
            began = {moment: self._began(jobs[0][0], moment) for moment in MOMENTS}
            ended = self._ended(jobs, found)
            assert found.is_clean, f"without any fault: {found}"
            self.undisturbed.append({moment: round(ended - at, 3) for moment, at in began.items()})

    def _undisturbed_seconds(self, moment: str) -> float:
        return statistics.median([one[moment] for one in self.undisturbed[-UNDISTURBED:]] or [0.0])

    def run(self, point: Point) -> Round:
        """Until the point is hit, or was missed TRIES times."""
        found = Round(point.name)
        while not found.hit and found.missed < TRIES:
            self._stand.note_processes()
            jobs = self._submitted()
            pid, at = self._struck(point, jobs[0][0])
            ended = self._ended(jobs, found)
            if pid:
                found.hit, found.load = True, round(os.getloadavg()[0], 1)
                found.recovery_seconds = round(ended - at - self._undisturbed_seconds(point.moment), 3)
                if not self._stop_seconds:
                    self._stand.restarted(point.process, pid)
            else:
                found.missed += 1
        return found

    def _submitted(self) -> list[tuple[str, int]]:
        """Two jobs of different clips; the one that was handed in last is watched, and stands first here."""
        clips = self._lot.sample(range(CLIPS), 2)
        jobs = [
            (self._stand.client.submit_job(self._stand.clip(clip), look="natural", want="picture")["id"], clip)
            for clip in clips
        ]
        return jobs[::-1]

    def _began(self, job: str, moment: str) -> float:
        """When the moment had come, or was over."""
        wanted = MOMENTS.index(moment)
        while self._stage(job, moment) < wanted:
            time.sleep(0.002)
        return time.monotonic()

    def _struck(self, point: Point, job: str) -> tuple[int, float]:
        """Wait for the moment, and do it: to whom and when; 0 if the moment was over before."""
        wanted = MOMENTS.index(point.moment)
        while (now := self._stage(job, point.moment) if wanted else 0) <= wanted:
            pid = self._stand.pid(point.process, job) if now == wanted else 0
            if pid and self._strike(pid):
                return pid, time.monotonic()
            if not wanted and self._stand.stage_kept(job):
                break
            time.sleep(0.001)
        return 0, 0.0

    def _strike(self, pid: int) -> bool:
        """False if the process has just ended: a decoder does when its work is done."""
        try:
            os.kill(pid, signal.SIGSTOP if self._stop_seconds else signal.SIGKILL)
        except ProcessLookupError:
            return False
        try:
            time.sleep(self._stop_seconds)
        finally:
            if self._stop_seconds:
                with suppress(ProcessLookupError):  # a decoder that was ended for its silence
                    os.kill(pid, signal.SIGCONT)
        return True

    def _stage(self, job: str, moment: str) -> int:
        return self._stand.stage_kept(job) if moment == "joining" else self._stand.stage_told(job)

    def _ended(self, jobs: list[tuple[str, int]], found: Round) -> float:
        """When both jobs had ended; then everything is looked at, and removed."""
        end = time.monotonic() + END_SECONDS
        while any(self._stand.stage_told(job) < len(MOMENTS) for job, _ in jobs) and time.monotonic() < end:
            time.sleep(0.02)
        ended = time.monotonic()
        done = [job for job, clip in jobs if self._look_at(job, clip, found)]
        found.left = self._stand.unsettled(done)
        for job in done:
            self._stand.client.cancel(job)
        return ended

    def _look_at(self, job: str, clip: int, found: Round) -> bool:
        """Count what is wrong with one result; False if there is none."""
        document = self._stand.document(job)
        if document.get("state") != "done":
            found.jobs_lost += 1
            found.said.append(f"{document.get('state', 'unknown')}: {document.get('problem')}")
            return False
        path = self._stand.client.download(job, self._stand.folder / "result")
        for name, count in asdict(faults(path, clip, FRAMES)).items():
            found.frames[name] += count
        return True
