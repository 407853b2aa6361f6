"""Jobs that are cut into segments: nobody can tell from the result, whoever did them."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest

from shared.model.jobs import record_key
from tests.system.barcodes import RATE, read_clip, write_clip
from tests.system.watching import assert_nothing_left, left, until, wait_until, watched
from visavis.client import Client
from visavis.stack import Stack, StackOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SECONDS = 8
"""Of a job in whose middle somebody dies."""
LONG_SECONDS = 4 * SECONDS
"""Of a job that goes on while something else happens."""
ENTRY = {"job.json", "cancelled"}
CUT = {"VISAVIS_SEGMENT_SECONDS": "2"}
pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def make(portrait: bytes, tmp_path_factory: pytest.TempPathFactory) -> Callable[[int, int], Path]:
    """A clip by its name (0..255) and its seconds."""

    @cache
    def made(clip: int, seconds: int = SECONDS) -> Path:
        path = tmp_path_factory.mktemp("clip") / f"{clip}.mp4"
        write_clip(path, portrait, clip, seconds * RATE)
        return path

    return made


@pytest.fixture(scope="module")
def cutting(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that cuts videos into segments of two seconds, and whose processes are started again."""
    var = tmp_path_factory.mktemp("var")
    with Stack(StackOptions(var=var, models=models, environment=CUT)) as stack, watched(stack):
        yield stack
    assert_nothing_left(var)


def done(client: Client, job: str) -> dict[str, Any]:
    found = until(client, job, lambda found: found["state"] in {"done", "failed"})
    assert found["state"] == "done", found["problem"]
    return found


def worked(client: Client, source: Path, target: Path, **wanted: Any) -> dict[str, Any]:
    """A job from its beginning to its result."""
    job = client.submit_job(source, **{"look": "default", "want": "picture", **wanted})["id"]
    found = done(client, job)
    client.download(job, target)
    return found


def owners(stack: Stack, var: Path, job: str) -> set[str]:
    """The lanes that have done segments of a job, as its entry says."""
    entry = json.loads((var / "objects" / record_key(job)).read_text())
    return {part["owner"].partition("/")[0] for part in entry["parts"]}


def packets(path: Path, kind: str) -> list[tuple[float, int]]:
    with av.open(str(path)) as file:
        return [
            (float(packet.pts * packet.time_base), packet.size if kind == "audio" else 0)
            for packet in file.demux(**{kind: 0})
            if packet.pts is not None
        ]


def planes(path: Path) -> list[np.ndarray[Any, Any]]:
    with av.open(str(path)) as file:
        return [frame.to_ndarray(format="yuv420p") for frame in file.decode(video=0)]


def test_nobody_can_tell_that_a_video_was_cut(
    client: Client, cutting: Stack, make: Callable[[int, int], Path], tmp_path: Path
) -> None:
    source = make(1, SECONDS)
    whole, joined = tmp_path / "whole", tmp_path / "joined"
    assert worked(client, source, whole)["segments"] == 1
    with Client(cutting.rest) as other:
        found = worked(other, source, joined)
    assert (found["segments"], found["segments_done"], found["frames"]) == (3, 3, SECONDS * RATE)
    assert read_clip(joined) == [(1, number) for number in range(SECONDS * RATE)]
    assert sorted(packets(joined, "video")) == sorted(packets(whole, "video"))
    assert packets(joined, "audio") == packets(whole, "audio")
    # Two codings of one picture differ; at a cut they differ no more than elsewhere.
    errors = [float(((one.astype(int) - other) ** 2).mean()) for one, other in zip(*map(planes, (whole, joined)))]  # noqa: B905
    assert max(errors) < 10, "peak signal-to-noise ratio below 38 dB"


def test_faces_have_the_same_names_and_places_in_all_parts(
    client: Client, cutting: Stack, make: Callable[[int, int], Path], tmp_path: Path
) -> None:
    source = make(2, SECONDS)
    worked(client, source, tmp_path / "whole", want="faces")
    with Client(cutting.rest) as other:
        worked(other, source, tmp_path / "joined", want="faces")
    lines = [[json.loads(line) for line in (tmp_path / name).read_text().splitlines()] for name in ("whole", "joined")]
    assert len(lines[0]) == len(lines[1]) == SECONDS * RATE
    for one, other in zip(*lines, strict=True):
        assert (one["frame"], one["pts_seconds"]) == (other["frame"], other["pts_seconds"])
        [face], [again] = one["faces"], other["faces"]
        width = face["box"][2] - face["box"][0]
        assert face["track"] == again["track"] == 1
        assert np.abs(np.array(face["landmarks"]) - again["landmarks"]).mean() < 0.02 * width


def test_two_lanes_share_a_job(cutting: Stack, models: Path, make: Callable[[int, int], Path], tmp_path: Path) -> None:
    var = cutting.logs.parent
    store = (var / "objects").resolve().as_uri()
    options = StackOptions(
        var=tmp_path, nats_url=cutting.nats_url, models=models, environment={**CUT, "VISAVIS_STORE_URL": store}
    )
    source = make(3, LONG_SECONDS)
    with Stack(options) as second, Client(second.rest) as client:
        found = worked(client, source, tmp_path / "result")
        assert owners(cutting, var, found["id"]) == {cutting.lane, second.lane}
    assert read_clip(tmp_path / "result") == [(3, number) for number in range(LONG_SECONDS * RATE)]


def test_a_short_job_does_not_wait_for_a_long_one(cutting: Stack, make: Callable[[int, int], Path]) -> None:
    long, short = make(3, LONG_SECONDS), make(5, 2)
    with Client(cutting.rest) as client:
        first = client.submit_job(long, look="default", want="picture")["id"]
        until(client, first, lambda found: found["frames"] > 0)
        second = client.submit_job(short, look="default", want="picture")["id"]
        done(client, second)
        assert client.job(first)["state"] == "running"
        done(client, first)


def test_a_cancelled_job_is_worked_on_no_more(cutting: Stack, make: Callable[[int, int], Path]) -> None:
    var = cutting.logs.parent
    with Client(cutting.rest) as client:
        job = client.submit_job(make(3, LONG_SECONDS), look="default", want="picture")["id"]
        until(client, job, lambda found: found["segments_done"] > 0)
        client.cancel(job)
        assert_nothing_left(var)
        folder = var / "objects" / "jobs" / job
        wait_until(lambda: {path.name for path in folder.glob("*")} <= ENTRY, "only the entry is left")
        assert left(var) == [], "nobody works on it any more"
