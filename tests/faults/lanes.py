"""Lanes on hosts that are lost while they work on a job, and how long it takes until the others have done it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import psutil

from tests.system.barcodes import RATE, Faults, faults, write_clip
from visavis.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.system.fleet import Fleet

SEGMENT_SECONDS, LONG_SECONDS, JOBS = 3, 8, 4
"""A clip of three seconds is no more than one segment where they have two."""
END_SECONDS = 180


class Lanes:
    """The lanes of a fleet, and the jobs that they are given."""

    def __init__(self, fleet: Fleet, folder: Path, portrait_jpeg: bytes) -> None:
        """folder: for clips and results."""
        self._fleet, self._result = fleet, folder / "result"
        self._short, self._long = folder / "short.mp4", folder / "long.mp4"
        write_clip(self._short, portrait_jpeg, 1, SEGMENT_SECONDS * RATE, key_every=SEGMENT_SECONDS * RATE)
        write_clip(self._long, portrait_jpeg, 2, LONG_SECONDS * RATE)

    def undisturbed(self) -> float:
        """Seconds from the moment that frames of a job's only segment are drawn until it is done."""
        return self._from(lambda _: None)

    def killed(self) -> float:
        """Seconds from the death of the lane that works on the segment until it is done. Then the lane is back."""
        lost = list[str]()

        def kill(lane: str) -> None:
            self._fleet.kill(lane)
            lost.append(lane)

        seconds = self._from(kill)
        self._fleet.begin_again(lost[0])
        self._fleet.wait_for_lanes(self._fleet.lanes)
        return seconds

    def unplugged(self) -> float:
        """The same, where nothing reaches its host any more; its node of NATS is lost with it."""
        lost = list[str]()

        def unplug(lane: str) -> None:
            self._fleet.net.unplug(self._fleet.host(lane))
            lost.append(lane)

        seconds = self._from(unplug)
        self._fleet.net.plug_in(self._fleet.host(lost[0]))
        self._fleet.wait_for_lanes(self._fleet.lanes)
        return seconds

    def throughput(self, rounds: int) -> dict[str, Any]:
        """Frames a second of some jobs at once by both lanes, and then by one that is left."""
        both = [self._frames_a_second() for _ in range(rounds + 1)][1:]
        self._fleet.kill("b")
        self._fleet.wait_for_lanes(["a"])
        return {"two lanes": both, "one lane": [self._frames_a_second() for _ in range(rounds)]}

    def _frames_a_second(self) -> float:
        with Client(self._fleet.rest) as client:
            began = time.monotonic()
            jobs = [client.submit_job(self._long, look="natural", want="picture")["id"] for _ in range(JOBS)]
            for job in jobs:
                self._done(client, job)
            return round(JOBS * LONG_SECONDS * RATE / (time.monotonic() - began), 1)

    def _from(self, lose: Callable[[str], None]) -> float:
        with Client(self._fleet.rest) as client:
            while True:
                job = client.submit_job(self._short, look="natural", want="picture")["id"]
                if lane := self._lane_of(client, job):
                    break
            began = time.monotonic()
            lose(lane)
            self._done(client, job)
            seconds = time.monotonic() - began
            client.download(job, self._result)
        assert faults(self._result, 1, SEGMENT_SECONDS * RATE) == Faults(), "the result is not right"
        return seconds

    def _lane_of(self, client: Client, job: str) -> str:
        """Whose decoder has the job's file open while frames are drawn; empty: it was done before that was seen."""
        while (found := client.job(job))["state"] in {"accepted", "running"}:
            if found["frames"] or found["segments"]:
                for lane in self._fleet.lanes:
                    if any(job in file for file in _files(self._fleet.pid("ingest", lane))):
                        return lane
            time.sleep(0.005)
        return ""

    @staticmethod
    def _done(client: Client, job: str) -> None:
        end = time.monotonic() + END_SECONDS
        while (found := client.job(job))["state"] != "done":
            assert time.monotonic() < end, f"the job has not ended: {found}"
            assert found["state"] != "failed", found["problem"]
            time.sleep(0.02)


def _files(pid: int) -> list[str]:
    """Paths that the children of a process have open."""
    found = list[str]()
    for child in psutil.Process(pid).children(recursive=True):
        try:
            found += [one.path for one in child.open_files()]
        except psutil.Error:
            continue
    return found
