"""The function as a real process, called as Lambda calls it and as Cloud Run, Knative and Function Compute do."""

from __future__ import annotations

import asyncio
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import av
import httpx
import msgspec
import psutil
import pytest

from shared.model.jobs import SegmentRequested, Want, context_name, part_key, source_key
from shared.model.look_text import parse_look
from shared.model.media import Span
from shared.transport.redis_context import PREFIX
from shared.transport.store import ObjectStore
from tests.functions import HTTP, LAMBDA, function
from tests.redis_server import RedisServer
from tests.runtime_interface import function_url, runtime_interface
from tests.system.watching import wait_until
from visavis.client import Client
from visavis.sample import write_sample
from visavis.stack import Stack, StackOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.functions import FunctionProcess
    from tests.runtime_interface import RuntimeInterface

FRAMES = 56
STEPS = [
    "interpreter started", "imports", "settings read and store opened", "models loaded", "models warmed",
    "decoders started", "ready",
]  # fmt: skip


class Stored:
    """An object store with one upload in it."""

    def __init__(self, folder: Path, source: Path) -> None:
        self.url = folder.as_uri()
        self._folder = folder
        asyncio.run(ObjectStore.open(self.url).put(source_key("j"), source))

    def part(self, segment: int) -> Path:
        return self._folder / part_key("j", segment)


@pytest.fixture
def stored(media: Callable[[str], Path], tmp_path: Path) -> Stored:
    return Stored(tmp_path / "objects", media("two_heads.mp4"))


@pytest.fixture
def variables(stored: Stored, models: Path, tmp_path: Path) -> dict[str, str]:
    return {"VISAVIS_STORE_URL": stored.url, "VISAVIS_MODELS": str(models), "TMPDIR": str(tmp_path)}


@pytest.fixture
def interface() -> Iterator[RuntimeInterface]:
    with runtime_interface() as made:
        yield made


def asked(**changes: Any) -> SegmentRequested:
    return SegmentRequested(**({"job": "j", "want": Want.PICTURE, "look": parse_look("natural")} | changes))


def document(**changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(msgspec.json.encode(asked(**changes)))
    return made


def frames_of(part: Path) -> int:
    with av.open(str(part)) as opened:
        return sum(1 for _ in opened.decode(video=0))


def told_steps(running: FunctionProcess) -> list[str]:
    return [said["step"].partition(",")[0] for said in running.steps]


def test_lambda_works_on_one_segment_after_the_other(
    interface: RuntimeInterface, stored: Stored, variables: dict[str, str]
) -> None:
    with function(LAMBDA, variables | {"AWS_LAMBDA_RUNTIME_API": interface.address}) as running:
        for segment, request in enumerate(("first", "second")):
            interface.send(request, document(segment=segment))
            told = interface.hear()
            assert (told.word, told.request) == ("response", request), told.body
            assert (told.body["type"], told.body["session"], told.body["frames"]) == ("SegmentDone", request, FRAMES)
            assert frames_of(stored.part(segment)) == FRAMES
        running.wait_for("step", "first result")
        assert told_steps(running) == [*STEPS, "first result"]


def test_lambda_is_told_what_is_no_segment_and_goes_on(interface: RuntimeInterface, variables: dict[str, str]) -> None:
    with function(LAMBDA, variables | {"AWS_LAMBDA_RUNTIME_API": interface.address}):
        interface.send("wrong", {"job": 7})
        wrong = interface.hear()
        assert (wrong.word, wrong.request, wrong.body["errorType"]) == ("error", "wrong", "Malformed")
        interface.send("gone", document(job="nobody"))
        gone = interface.hear()
        assert (gone.word, gone.body["type"], gone.body["problem"]["code"]) == (
            "response", "SegmentFailed", "source-gone",
        )  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"VISAVIS_STORE_URL": ""}, "Set VISAVIS_STORE_URL"), ({"VISAVIS_MODELS": "/nowhere"}, "visavis models prepare")],
)
def test_lambda_is_told_why_the_function_does_not_start(
    interface: RuntimeInterface, variables: dict[str, str], wrong: dict[str, str], said: str
) -> None:
    with function(LAMBDA, variables | {"AWS_LAMBDA_RUNTIME_API": interface.address} | wrong) as running:
        told = interface.hear()
        assert told.word == "init/error"
        assert said in told.body["errorMessage"]
        assert running.process.wait(timeout=60) != 0


@pytest.fixture
def listening(variables: dict[str, str]) -> Iterator[tuple[FunctionProcess, httpx.Client]]:
    """The function over HTTP, warm, and a client of it."""
    with function(HTTP, variables | {"PORT": "0", "VISAVIS_HOST": "127.0.0.1"}) as running:
        port = running.wait_for("event", "listening")["port"]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60.0, trust_env=False) as client:
            yield running, client


def test_http_takes_the_document_as_json_as_messagepack_and_as_an_event(
    listening: tuple[FunctionProcess, httpx.Client], stored: Stored
) -> None:
    running, client = listening
    assert told_steps(running) == STEPS
    assert client.get("/health").status_code == 200
    assert client.post("/initialize").status_code == 200
    plain = client.post("/", json=document())
    assert (plain.status_code, plain.json()["frames"]) == (200, FRAMES), plain.text
    packed = client.post(
        "/invoke",
        content=msgspec.msgpack.encode(asked(segment=1, want=Want.FACES)),
        headers={"Content-Type": "application/msgpack"},
    )
    assert msgspec.msgpack.decode(packed.content)["frames"] == FRAMES
    headers = {"ce-specversion": "1.0", "ce-id": "e", "ce-source": "/t", "ce-type": "segment"}
    event = client.post("/", json=document(segment=2), headers=headers)
    assert (event.json()["session"], event.headers["ce-type"]) == ("e", "visavis.SegmentDone")
    assert frames_of(stored.part(0)) == frames_of(stored.part(2)) == FRAMES
    assert len(stored.part(1).read_text().splitlines()) == FRAMES


def test_http_says_whether_another_try_may_go_well(listening: tuple[FunctionProcess, httpx.Client]) -> None:
    _, client = listening
    assert client.post("/", content=b"no json").status_code == 400
    assert client.post("/", content=bytes(300_000)).status_code == 413
    gone = client.post("/", json=document(job="nobody"))
    assert (gone.status_code, gone.json()["problem"]["code"]) == (422, "source-gone")


def test_http_ends_on_a_signal_and_leaves_no_process(listening: tuple[FunctionProcess, httpx.Client]) -> None:
    running, _ = listening
    family = psutil.Process(running.process.pid).children(recursive=True)
    assert family
    running.process.terminate()
    assert running.process.wait(timeout=60) == 0
    _, alive = psutil.wait_procs(family, timeout=30)
    assert not alive


def test_http_says_what_is_missing(variables: dict[str, str]) -> None:
    with function(HTTP, variables | {"PORT": "0", "VISAVIS_STORE_URL": ""}) as running:
        assert running.process.wait(timeout=60) == 78


@pytest.fixture
def keyed(tmp_path: Path) -> Path:
    """The sample clip with a key frame every second, so that it can be cut."""
    whole, made = tmp_path / "whole.mp4", tmp_path / "keyed.mp4"
    write_sample(whole)
    with av.open(str(whole)) as read, av.open(str(made), "w") as written:
        film, sound = read.streams.video[0], read.streams.audio[0]
        coded = written.add_stream("libx264", rate=film.average_rate, options={"g": "30", "preset": "veryfast"})
        coded.width, coded.height, coded.pix_fmt = film.width, film.height, "yuv420p"
        kept = written.add_stream_from_template(sound)
        for packet in read.demux(film, sound):
            if packet.stream is sound and packet.size:
                packet.stream = kept
                written.mux(packet)
            elif packet.stream is film:
                for frame in packet.decode():
                    frame.pict_type = 0
                    written.mux(coded.encode(frame))
        written.mux(coded.encode(None))
    return made


@contextmanager
def over_http(variables: dict[str, str]) -> Iterator[tuple[str, FunctionProcess]]:
    """Where the function takes segments."""
    with function(HTTP, variables | {"PORT": "0", "VISAVIS_HOST": "127.0.0.1"}) as running:
        yield f"http://127.0.0.1:{running.wait_for('event', 'listening')['port']}/", running


@contextmanager
def on_lambda(variables: dict[str, str]) -> Iterator[tuple[str, FunctionProcess]]:
    """The same, on Lambda's runtime interface behind a function URL."""
    with (
        runtime_interface() as made,
        function_url(made) as url,
        function(LAMBDA, variables | {"AWS_LAMBDA_RUNTIME_API": made.address}) as running,
    ):
        yield url, running


@pytest.mark.parametrize("place", [over_http, on_lambda])
def test_a_job_is_done_by_the_function_segment_by_segment(
    place: Callable[[dict[str, str]], AbstractContextManager[tuple[str, FunctionProcess]]],
    models: Path,
    keyed: Path,
    tmp_path: Path,
) -> None:
    var = tmp_path / "var"
    variables = {
        "VISAVIS_STORE_URL": (var / "objects").as_uri(),
        "VISAVIS_MODELS": str(models),
        "TMPDIR": str(tmp_path),
    }
    with place(variables) as (url, running):
        executor = {"VISAVIS_EXECUTOR": "serverless", "VISAVIS_FUNCTION_URL": url, "VISAVIS_SEGMENT_SECONDS": "2"}
        with Stack(StackOptions(var=var, models=models, environment=executor)) as stack, Client(stack.rest) as client:
            *_, job = client.events(client.submit_job(keyed, "natural")["id"])
            assert job["state"] == "done", job
            assert (job["frames"], job["segments_done"]) == (150, job["segments"])
            assert job["segments"] > 1
            client.download(job["id"], tmp_path / "result.mp4")
        running.wait_for("step", "first result")
    with av.open(str(keyed)) as before, av.open(str(tmp_path / "result.mp4")) as after:
        assert [frame.time for frame in after.decode(video=0)] == [frame.time for frame in before.decode(video=0)]
        assert after.streams.audio


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path / "redis") as server:
        yield server


def is_kept(redis: RedisServer, job: str, segment: int) -> bool:
    return redis.tell("EXISTS", PREFIX + context_name(job, segment)) == b":1\r\n"


def halves(path: Path) -> tuple[Span, Span]:
    """Of a clip: the second is read from the beginning."""
    with av.open(str(path)) as opened:
        pts = sorted(packet.pts for packet in opened.demux(video=0) if packet.pts is not None)
    cut, more = FRAMES // 2, FRAMES - FRAMES // 2
    return (
        Span(begins=pts[0], start=pts[0], end=pts[cut], first=0, warm=0, frames=cut),
        Span(begins=pts[0], start=pts[cut], end=None, first=0, warm=cut, frames=more),
    )


@pytest.mark.parametrize("place", [over_http, on_lambda])
def test_a_segment_goes_on_from_what_redis_has_of_the_one_before(
    place: Callable[[dict[str, str]], AbstractContextManager[tuple[str, FunctionProcess]]],
    redis: RedisServer,
    stored: Stored,
    variables: dict[str, str],
    media: Callable[[str], Path],
) -> None:
    first, second = halves(media("two_heads.mp4"))
    with (
        place(variables | {"VISAVIS_CONTEXT": redis.url}) as (url, running),
        httpx.Client(timeout=60.0, trust_env=False) as client,
    ):

        def call(segment: int, span: Span) -> dict[str, Any]:
            answer = client.post(url, json=document(segment=segment, span=span))
            assert answer.status_code == 200, answer.text
            found: dict[str, Any] = answer.json()
            return found

        unknown = call(1, second)
        assert (unknown["continued"], unknown["frames"]) == (False, second.frames)
        wait_until(lambda: not call(0, first)["continued"] and is_kept(redis, "j", 0), "what is known is kept")
        assert 0 < int(redis.tell("TTL", PREFIX + context_name("j", 0))[1:]) <= 900
        for _ in range(2):
            wait_until(lambda: call(1, second)["continued"], "it goes on")
        assert frames_of(stored.part(1)) == second.frames
        redis.tell("SET", PREFIX + context_name("j", 0), "no context")
        assert not call(1, second)["continued"]
        running.wait_for("event", "context lost")
        redis.halt()
        away = call(1, second)
        assert (away["continued"], away["frames"]) == (False, second.frames)


def test_what_redis_has_of_a_job_goes_with_the_job(
    redis: RedisServer, models: Path, keyed: Path, tmp_path: Path
) -> None:
    var = tmp_path / "var"
    context = {"VISAVIS_CONTEXT": redis.url}
    variables = {
        "VISAVIS_STORE_URL": (var / "objects").as_uri(),
        "VISAVIS_MODELS": str(models),
        "TMPDIR": str(tmp_path),
    }
    with over_http(variables | context) as (url, _):
        executor = {"VISAVIS_EXECUTOR": "serverless", "VISAVIS_FUNCTION_URL": url}
        executor |= {"VISAVIS_SEGMENT_SECONDS": "2", "VISAVIS_JOBS": "1"}
        options = StackOptions(var=var, models=models, environment=executor | context)
        with Stack(options) as stack, Client(stack.rest) as client:
            *_, job = client.events(client.submit_job(keyed, "natural")["id"])
            assert job["state"] == "done", job
            kept = [is_kept(redis, job["id"], segment) for segment in range(job["segments"])]
            assert any(kept)
            assert client.cancel(job["id"])["removed"]["contexts"] == sum(kept)
            assert not any(is_kept(redis, job["id"], segment) for segment in range(job["segments"]))
