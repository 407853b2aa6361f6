"""API keys with the real processes, which listen on every address of the machine."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc
import httpx
import pytest

from shared.transport.keys import KeyRing
from shared.transport.store import ObjectStore
from tests.system.browser import browsing
from tests.system.live_clips import coded
from visavis.cli import main
from visavis.client import Client, ProblemError
from visavis.live import LiveStream
from visavis.stack import Stack, StackOptions
from visavis.v1 import pictures_pb2, pictures_pb2_grpc, streams_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE_SECONDS = 60
EVERYWHERE = {
    "VISAVIS_REST_HOST": "0.0.0.0",  # noqa: S104  -- what it is about
    "VISAVIS_GRPC_HOST": "0.0.0.0",  # noqa: S104
    "VISAVIS_KEY_SECONDS": "0.5",
}
pytestmark = pytest.mark.timeout(180)


@dataclass
class Deployment:
    """A stack that asks for keys, and the folder it lies in."""

    rest: str
    grpc: str
    var: Path
    logs: Path
    capsys: pytest.CaptureFixture[str]

    def keys(self, *words: str) -> str:
        """What `visavis keys` prints."""
        self.capsys.readouterr()
        assert main(["keys", *words, "--var", str(self.var)]) == 0
        return self.capsys.readouterr().out.strip()


@pytest.fixture(scope="module")
def outside(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, Path]]:
    var = tmp_path_factory.mktemp("var")
    with Stack(StackOptions(var=var, models=models, environment=EVERYWHERE)) as running:
        assert running.asks_for_keys
        yield running, var


@pytest.fixture
def deployment(outside: tuple[Stack, Path], capsys: pytest.CaptureFixture[str]) -> Deployment:
    stack, var = outside
    rest, at = (address.replace("0.0.0.0", "127.0.0.1") for address in (stack.rest, stack.grpc))  # noqa: S104
    return Deployment(rest, at, var, stack.logs, capsys)


def refused(client: Client, path: str = "/v1/models") -> ProblemError:
    with pytest.raises(ProblemError) as problem:
        client._ask("GET", path)
    return problem.value


def status_of(client: Client) -> int:
    return client._http.get("/v1/models").status_code


def test_without_a_key_nothing_is_given_but_that_it_lives(deployment: Deployment, portrait: bytes) -> None:
    with httpx.Client(base_url=deployment.rest, trust_env=False, timeout=PATIENCE_SECONDS) as http:
        answer = http.post("/v1/images", content=portrait)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert http.get("/healthz").status_code == 200
    with grpc.insecure_channel(deployment.grpc) as channel:  # type: ignore[no-untyped-call]  # has no annotations
        pictures = pictures_pb2_grpc.PicturesStub(channel)  # type: ignore[no-untyped-call]  # generated
        with pytest.raises(grpc.RpcError) as failed:
            pictures.Analyze(pictures_pb2.AnalyzeRequest(picture=portrait), timeout=PATIENCE_SECONDS)
        assert failed.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_one_key_does_not_see_anothers_job(deployment: Deployment, clip: Path) -> None:
    ann, bob = (deployment.keys("add", name, "--scope", "jobs") for name in ("ann", "bob"))
    with Client(deployment.rest, key=ann) as hers, Client(deployment.rest, key=bob) as his:
        job = hers.submit_job(clip)["id"]
        assert (refused(his, f"/v1/jobs/{job}").status, hers.job(job)["id"]) == (404, job)
        with pytest.raises(ProblemError, match="There is no job"):
            his.cancel(job)
        *_, last = hers.events(job)
        assert last["state"] == "done"
        assert refused(his, f"/v1/jobs/{job}/result").code == "not-found"
        assert hers.download(job, deployment.var / "result.mp4").stat().st_size
        with pytest.raises(ProblemError) as forbidden:
            hers.process_image(b"\xff\xd8\xff")
        assert (forbidden.value.status, forbidden.value.code) == (403, "forbidden")


def test_a_browser_shows_the_traces_of_the_key_that_it_was_given(
    deployment: Deployment, chromium: str, tmp_path: Path
) -> None:
    own, other = (deployment.keys("add", name, "--scope", "pictures") for name in ("own", "other"))
    seen = {key: trace_of_a_request(deployment, key) for key in (own, other)}
    with browsing(chromium, tmp_path) as page:
        page.scripts(on=False)
        page.go(f"{deployment.rest}/traces/{seen[own]}")
        page.write("input[name=key]", own)
        page.press("Enter", 13)
        page.until("!!document.querySelector('.waterfall')")
        assert page.ask("location.pathname") == f"/traces/{seen[own]}"
        assert page.ask("document.cookie") == "", "scripts see the key"
        page.click("header .home")
        page.until("!!document.querySelector('.list')")
        links = page.ask("[...document.querySelectorAll('.list a')].map(e => e.getAttribute('href'))")
        assert f"/traces/{seen[own]}" in links
        assert f"/traces/{seen[other]}" not in links
        page.click(".who button")
        page.until("!!document.querySelector('.sign-in')")


def test_who_sends_the_id_of_anothers_running_trace_sees_nothing_by_it(deployment: Deployment, clip: Path) -> None:
    ann, bob = (deployment.keys("add", name, "--scope", "jobs") for name in ("ann", "bob"))
    trace_id = secrets.token_hex(16)
    carried = {"traceparent": f"00-{trace_id}-{'b' * 16}-01"}

    def spans_for(key: str) -> int:
        headers = {"Authorization": f"Bearer {key}"}
        found = httpx.get(f"{deployment.rest}/v1/traces?id={trace_id}", headers=headers).json()["traces"]
        return found[0]["spans"] if found else 0

    def until_there_are(spans: int) -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        while spans_for(ann) < spans:
            assert time.monotonic() < end
            time.sleep(0.1)

    def slowly() -> Iterator[bytes]:
        body = clip.read_bytes()
        yield body[:1000]
        until_there_are(1)  # it is hers while her request runs
        headers = {"Authorization": f"Bearer {bob}"} | carried
        assert httpx.get(f"{deployment.rest}/v1/models", headers=headers).headers["X-Visavis-Trace-Id"] == trace_id
        until_there_are(3)  # of his request as well
        assert spans_for(bob) == 0
        yield body[1000:]

    headers = {"Authorization": f"Bearer {ann}", "Content-Type": "video/x-matroska"} | carried
    answer = httpx.post(f"{deployment.rest}/v1/jobs", content=slowly(), headers=headers, timeout=PATIENCE_SECONDS)
    assert answer.status_code == 202
    until_there_are(4)
    assert spans_for(bob) == 0


def trace_of_a_request(deployment: Deployment, key: str) -> str:
    """The id of a trace of the key's, once it is there."""
    end = time.monotonic() + PATIENCE_SECONDS
    with httpx.Client(base_url=deployment.rest, headers={"Authorization": f"Bearer {key}"}, trust_env=False) as http:
        trace_id: str = http.get("/v1/models").headers["X-Visavis-Trace-Id"]
        while not http.get(f"/v1/traces?id={trace_id}").json()["traces"]:
            assert time.monotonic() < end
            time.sleep(0.1)
    return trace_id


def test_a_revoked_key_is_refused_within_seconds(deployment: Deployment) -> None:
    key = deployment.keys("add", "short lived", "--scope", "all")
    prefix = key.split("_")[1]
    with Client(deployment.rest, key=key) as client:
        assert client.models()
        deployment.keys("revoke", prefix)
        end = time.monotonic() + PATIENCE_SECONDS
        while status_of(client) == 200:
            assert time.monotonic() < end, "The key is still taken."
            time.sleep(0.1)
        assert status_of(client) == 401
    [line] = [line for line in deployment.keys("list").splitlines() if line.startswith(prefix)]
    assert "revoked" in line


def test_over_its_quota_a_key_is_told_when_to_come_back(deployment: Deployment, portrait: bytes) -> None:
    key = deployment.keys("add", "small", "--scope", "pictures", "--pixels-per-second", "1000")
    with httpx.Client(base_url=deployment.rest, trust_env=False, timeout=PATIENCE_SECONDS) as http:
        http.headers["authorization"] = f"Bearer {key}"
        assert http.post("/v1/images", content=portrait).status_code == 200
        answer = http.post("/v1/images", content=portrait)
        assert (answer.status_code, answer.json()["code"]) == (429, "quota-exceeded")
        assert int(answer.headers["retry-after"]) > 0


def test_a_live_stream_needs_a_key_and_ends_with_it(deployment: Deployment, portrait: bytes) -> None:
    key = deployment.keys("add", "camera", "--scope", "streams", "--sessions", "1")
    asyncio.run(_live(deployment, portrait, key))


async def _live(deployment: Deployment, portrait: bytes, key: str) -> None:
    shape = streams_pb2.StreamInput(codec=streams_pb2.CODEC_H264, width=640, height=360, rate=10)
    settings = streams_pb2.StreamSettings(input=shape, look_name="none", max_delay_ms=20_000)
    assert await how_it_is_refused(LiveStream(deployment.grpc, settings)) == (401, "unauthenticated")
    async with asyncio.timeout(PATIENCE_SECONDS), LiveStream(deployment.grpc, settings, key) as stream:
        assert await how_it_is_refused(LiveStream(deployment.grpc, settings, key)) == (429, "quota-exceeded")
        first = coded(portrait, 1)[0]
        await stream.send(first.pts, first.data, key=first.key)
        with pytest.raises(ProblemError) as ended:
            await revoked_at_the_first_frame(stream, deployment.var, key)
        assert (ended.value.status, ended.value.code) == (401, "unauthenticated")


async def how_it_is_refused(stream: LiveStream) -> tuple[int, str]:
    with pytest.raises(ProblemError) as refused:
        await stream.__aenter__()
    return refused.value.status, refused.value.code


async def revoked_at_the_first_frame(stream: LiveStream, var: Path, key: str) -> None:
    async for message in stream:
        if message.HasField("frame"):
            await KeyRing(ObjectStore.open((var / "objects").as_uri())).revoke(key.split("_")[1])


def test_no_key_stands_in_a_log_or_in_the_store(deployment: Deployment, portrait: bytes) -> None:
    key = deployment.keys("add", "quiet", "--scope", "pictures")
    with Client(deployment.rest, key=key) as client:
        client.process_image(portrait)
    with Client(deployment.rest, key=f"{key}x") as client:
        assert refused(client).status == 401
    secret = key.split("_")[2].encode()
    files = [path for path in deployment.var.rglob("*") if path.is_file()]
    assert deployment.logs / "gateway.log" in files
    assert not [path for path in files if secret in path.read_bytes()]


def test_a_service_of_a_commands_own_stays_on_loopback_and_asks_for_no_key(
    models: Path, portrait: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**EVERYWHERE, "VISAVIS_KEYS": "always"}.items():
        monkeypatch.setenv(name, value)
    picture = tmp_path / "in.jpg"
    picture.write_bytes(portrait)
    words = ["process", str(picture), str(tmp_path / "out.jpg"), "--models", str(models)]
    assert main(words) == 0
    assert (tmp_path / "out.jpg").stat().st_size
