"""What one key has made does not exist for another, and each has its own quotas."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from services.gateway.rest import app
from services.gateway.streams.desk import StreamDesk
from services.gateway.streams.run import StreamState
from shared.model.jobs import Want
from shared.model.keys import Quotas, Scope, split_key
from shared.model.live import LiveBegan, LiveEnded
from shared.transport.ledger import JobLedger
from tests.unit.services.gateway.live_ends import FACTS, LiveLane

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.gateway.parts import Parts
    from services.gateway.streams.run import StreamRun
    from shared.transport.keys import KeyRing
    from shared.transport.store import ObjectStore

MP4 = b"\0\0\0\x20ftypisom" + bytes(1000)
JPEG = b"\xff\xd8\xff" + bytes(100)
WISH = {"source": "rtmp://live.example.org/app/x", "outputs": [{"hls": {}}, {"record": {}}], "look": "none"}
UNKNOWN = "a" * 20
SECONDS = 20.0


@asynccontextmanager
async def caller(parts: Parts, ring: KeyRing, *scopes: Scope, **quotas: int) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody with a key of its own."""
    key = await ring.add("somebody", scopes or tuple(Scope), Quotas(**quotas))
    transport = httpx.ASGITransport(app.build(parts), raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers) as found:
        yield found


def prefix_of(client: httpx.AsyncClient) -> str:
    parts = split_key(client.headers["authorization"].removeprefix("Bearer "))
    assert parts is not None
    return parts[0]


@pytest.fixture
async def ann(asking: Parts, ring: KeyRing) -> AsyncIterator[httpx.AsyncClient]:
    async with caller(asking, ring) as found:
        yield found


@pytest.fixture
async def bob(asking: Parts, ring: KeyRing) -> AsyncIterator[httpx.AsyncClient]:
    async with caller(asking, ring) as found:
        yield found


@pytest.fixture
async def job(ann: httpx.AsyncClient) -> str:
    answer = await ann.post("/v1/jobs", files={"file": ("clip.mp4", MP4)})
    assert answer.status_code == 202, answer.text
    return str(answer.headers["location"])


@pytest.fixture
async def stream(ann: httpx.AsyncClient, asking: Parts, live_lane: LiveLane) -> AsyncIterator[str]:
    answer = await ann.post("/v1/streams", json=WISH)
    assert answer.status_code == 201, answer.text
    yield str(answer.headers["location"])
    await asking.streams.close()


async def ended(run: StreamRun) -> None:
    async with asyncio.timeout(SECONDS):
        while not run.state.is_final:  # noqa: ASYNC110  -- what changes is of several kinds
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("verb", "rest"), [("GET", ""), ("GET", "/events"), ("GET", "/result"), ("HEAD", "/result"), ("DELETE", "")]
)
async def test_anothers_job_does_not_exist(
    ann: httpx.AsyncClient, bob: httpx.AsyncClient, job: str, verb: str, rest: str
) -> None:
    seen, unknown = await bob.request(verb, job + rest), await bob.request(verb, f"/v1/jobs/{UNKNOWN}{rest}")
    assert seen.status_code == unknown.status_code == 404
    assert verb == "HEAD" or {**seen.json(), "trace_id": ""} == {**unknown.json(), "trace_id": ""}
    assert (await ann.get(job)).json()["state"] == "accepted"


async def test_ones_own_job_is_there(ann: httpx.AsyncClient, job: str, store: ObjectStore) -> None:
    assert (await JobLedger(store).read(job.rpartition("/")[2])).owner == prefix_of(ann)
    assert (await ann.get(f"{job}/result")).json()["code"] == "not-done"
    cancelled = await ann.delete(job)
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")


async def test_a_job_that_was_made_without_a_key_is_nobodys(
    parts: Parts, client: httpx.AsyncClient, ring: KeyRing, request: pytest.FixtureRequest
) -> None:
    job = (await client.post("/v1/jobs", files={"file": ("clip.mp4", MP4)})).headers["location"]
    assert (await client.get(job)).status_code == 200
    request.getfixturevalue("asking")
    async with caller(parts, ring) as found:
        assert (await found.get(job)).status_code == 404


@pytest.mark.parametrize(
    ("verb", "rest"), [("GET", ""), ("PATCH", ""), ("GET", "/events"), ("GET", "/record"), ("DELETE", "")]
)
async def test_anothers_stream_does_not_exist(
    ann: httpx.AsyncClient, bob: httpx.AsyncClient, stream: str, verb: str, rest: str
) -> None:
    asked = {"json": {"look": "natural"}} if verb == "PATCH" else {}
    seen = await bob.request(verb, stream + rest, **asked)
    unknown = await bob.request(verb, f"/v1/streams/{UNKNOWN}{rest}", **asked)
    assert seen.status_code == unknown.status_code == 404
    assert {**seen.json(), "trace_id": ""} == {**unknown.json(), "trace_id": ""}
    assert (await ann.get(stream)).json()["state"] == "opening"
    assert (await bob.get("/v1/streams")).json() == {"streams": []}
    assert len((await ann.get("/v1/streams")).json()["streams"]) == 1


async def test_what_a_stream_has_made_is_its_keys_at_every_gateway(
    ann: httpx.AsyncClient, bob: httpx.AsyncClient, stream: str, asking: Parts, store: ObjectStore
) -> None:
    name = stream.rpartition("/")[2]
    await store.put(f"streams/{name}/record.mp4", b"recorded")
    await store.put(f"streams/{name}/hls/index.m3u8", b"#EXTM3U")
    object.__setattr__(asking, "streams", StreamDesk(asking.live, store))
    assert (await ann.get(f"{stream}/record")).content == b"recorded"
    assert (await bob.get(f"{stream}/record")).status_code == 404
    assert (await bob.get(f"{stream}/hls/index.m3u8")).content == b"#EXTM3U", "players send no key"
    assert (await bob.delete(stream)).status_code == 404
    assert await store.exists(f"streams/{name}/record.mp4")


async def test_a_stream_that_no_lane_takes_leaves_nothing(
    ann: httpx.AsyncClient, live_lane: LiveLane, store: ObjectStore
) -> None:
    live_lane.refused = True
    assert (await ann.post("/v1/streams", json=WISH)).status_code == 503
    assert await store.names("streams") == []


async def test_a_stream_ends_when_its_key_is_revoked(
    ann: httpx.AsyncClient, stream: str, asking: Parts, ring: KeyRing, live_lane: LiveLane
) -> None:
    await ring.revoke(prefix_of(ann))
    run = asking.streams.find(stream.rpartition("/")[2])
    await ended(run)
    assert (run.state, run.notices[-1].kind) == (StreamState.ENDED, "key-revoked")
    assert live_lane.said(LiveEnded)
    assert (await ann.get(stream)).status_code == 401


async def test_a_source_that_is_too_large_for_its_key_is_ended(
    asking: Parts, ring: KeyRing, live_lane: LiveLane
) -> None:
    async with caller(asking, ring, pixels_per_second=64 * 48 * 30 - 1) as small:
        name = (await small.post("/v1/streams", json=WISH)).json()["id"]
        await live_lane.say(LiveBegan(facts=FACTS, resumed=False))
        run = asking.streams.find(name)
        await ended(run)
        assert run.problem is not None
        assert (run.state, run.problem.code) == (StreamState.FAILED, "quota-exceeded")
    await asking.streams.close()


async def test_so_many_fetched_streams_at_a_time(asking: Parts, ring: KeyRing, live_lane: LiveLane) -> None:
    async with caller(asking, ring, sessions=1) as one, caller(asking, ring, sessions=1) as another:
        assert (await one.post("/v1/streams", json=WISH)).status_code == 201
        refused = await one.post("/v1/streams", json=WISH)
        assert (refused.status_code, refused.json()["code"]) == (429, "quota-exceeded")
        assert int(refused.headers["retry-after"]) >= 1
        assert (await another.post("/v1/streams", json=WISH)).status_code == 201
    await asking.streams.close()


@pytest.mark.usefixtures("warm", "lane")
@pytest.mark.parametrize("path", ["/v1/images", "/v1/analyses"])
async def test_pictures_count_by_their_pixels(asking: Parts, ring: KeyRing, path: str) -> None:
    async with caller(asking, ring, pixels_per_second=1) as found:
        assert (await found.post(path, content=JPEG)).status_code == 200
        refused = await found.post(path, content=JPEG)
        assert (refused.status_code, refused.json()["code"]) == (429, "quota-exceeded")
        assert 3000 <= int(refused.headers["retry-after"]) <= 64 * 48
        assert (await found.post("/v1/jobs", files={"file": ("clip.mp4", MP4)})).status_code == 429


@pytest.mark.usefixtures("warm")
async def test_uploads_count_by_their_bytes(asking: Parts, ring: KeyRing, store: ObjectStore) -> None:
    async def slowly() -> AsyncIterator[bytes]:
        for _ in range(4):
            yield MP4

    async with caller(asking, ring, Scope.JOBS, bytes_per_day=3 * len(MP4)) as found:
        answer = await found.post("/v1/jobs", content=MP4, params={"want": Want.FACES})
        assert answer.status_code == 202, answer.text
        refused = await found.post("/v1/jobs", content=slowly())
        assert (refused.status_code, refused.json()["code"]) == (429, "quota-exceeded")
        kept = {key.split("/")[1] for key in await store.names("jobs")}
        assert kept == {answer.json()["id"]}, "what was refused is removed"


async def test_a_trace_is_shown_to_its_own_key_and_to_operators(
    asking: Parts, ring: KeyRing, ann: httpx.AsyncClient, job: str, spans: list[bytes]
) -> None:
    asking.telemetry.close()
    for body in spans:
        asking.traces.take(body)
    trace = (await ann.get(job)).json()["trace_id"]
    assert (await ann.get(f"/v1/traces/{trace}")).status_code == 200
    async with caller(asking, ring, Scope.JOBS) as other, caller(asking, ring, Scope.OPERATIONS) as operator:
        assert (await other.get(f"/v1/traces/{trace}")).status_code == 404
        assert (await other.get("/v1/traces")).json() == {"traces": []}
        assert (await operator.get(f"/v1/traces/{trace}")).status_code == 200
        assert trace in {one["trace_id"] for one in (await operator.get("/v1/traces")).json()["traces"]}
