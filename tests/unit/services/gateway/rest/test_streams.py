"""Streams over REST: begun, looked up, watched, changed, ended."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import CapturingLogger

from services.gateway.rest.events import stream_id
from shared.model.addresses import SCHEMES
from shared.model.live import LiveBegan, LiveEnded, LiveFrame, LiveNoticed, LookWanted, OutputsWanted, RecordOutput
from shared.model.looks import Look
from tests.unit.services.gateway.live_ends import FACTS, LiveLane
from visavis.client import Client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from services.gateway.parts import Parts
    from shared.testing import MemoryContext
    from shared.transport.store import ObjectStore

WISH = {
    "source": "rtmp://user:secret@live.example.org/app/secret",
    "outputs": [{"hls": {}}, {"rtmp": "rtmp://push.example.org/app/secret"}, {"record": {}}],
    "look": "none",
}


@pytest.fixture
async def stream(client: httpx.AsyncClient, parts: Parts, live_lane: LiveLane) -> AsyncIterator[str]:
    """Where a stream is that a lane has."""
    answer = await client.post("/v1/streams", json=WISH)
    assert answer.status_code == 201, answer.text
    yield answer.headers["location"]
    await parts.streams.close()


async def state_of(client: httpx.AsyncClient, stream: str, state: str) -> dict[str, Any]:
    while (found := (await client.get(stream)).json())["state"] != state:  # noqa: ASYNC110  -- asked as a client asks
        await asyncio.sleep(0.01)
    return dict(found)


async def test_a_stream_is_begun(client: httpx.AsyncClient, stream: str, live_lane: LiveLane) -> None:
    found = (await client.get(stream)).json()
    assert (found["state"], found["source"]) == ("opening", "rtmp://live.example.org")
    assert found["links"] == {
        "self": stream, "events": f"{stream}/events", "hls": f"{stream}/hls/index.m3u8", "record": f"{stream}/record"
    }  # fmt: skip
    assert live_lane.opened[0].source == WISH["source"]
    assert [one["id"] for one in (await client.get("/v1/streams")).json()["streams"]] == [found["id"]]


async def test_every_frame_of_a_stream_that_is_fetched_is_traced_where_that_is_asked(
    client: httpx.AsyncClient, parts: Parts, live_lane: LiveLane
) -> None:
    answer = await client.post("/v1/streams", json=WISH, headers={"X-Visavis-Trace": "1"})
    try:
        assert (answer.status_code, answer.headers["x-visavis-trace"]) == (201, "1")
        assert live_lane.headers["tracestate"] == "visavis=frames"
    finally:
        await parts.streams.close()


async def test_it_says_what_it_is_and_what_became_of_its_frames(
    client: httpx.AsyncClient, stream: str, live_lane: LiveLane
) -> None:
    await live_lane.say(LiveBegan(facts=FACTS, resumed=False))
    await live_lane.say(LiveFrame(number=1, pts=0, dts=0, key=True, look=0, body=b"", arrived_ns=0))
    await live_lane.say(LiveNoticed(kind="degraded", detail="It is busy."))
    found = await state_of(client, stream, "running")
    while not found["notices"]:
        found = (await client.get(stream)).json()
        await asyncio.sleep(0.01)
    assert found["video"] == {"width": 64, "height": 48, "rate": 30.0}
    assert found["account"] == {"received": 2, "delivered": 1, "failed": 0, "dropped": [], "under_way": 1}
    assert found["notices"][0]["kind"] == "degraded"


async def test_nothing_secret_is_ever_shown_or_logged(
    client: httpx.AsyncClient, parts: Parts, live_lane: LiveLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = CapturingLogger()
    for module in ("requests", "streams.desk", "live.lane"):
        monkeypatch.setattr(f"services.gateway.{module}.log", log)
    answer = await client.post("/v1/streams", json=WISH)
    stream = answer.headers["location"]
    listed = await client.get("/v1/streams")
    changed = await client.patch(stream, json={"outputs": WISH["outputs"]})
    await client.delete(stream)
    await state_of(client, stream, "ended")
    assert "secret" not in answer.text + listed.text + changed.text + repr(log.calls)
    assert "push.example.org" in changed.text


async def test_look_and_outputs_can_be_changed(client: httpx.AsyncClient, stream: str, live_lane: LiveLane) -> None:
    answer = await client.patch(stream, json={"look": {"smooth": 0.5}, "outputs": [{"record": {}}]})
    assert answer.status_code == 200
    assert (answer.json()["look"], answer.json()["outputs"]) == (
        {"smooth": 0.5}, [{"record": {"max_seconds": 3600.0}}]
    )  # fmt: skip
    while not live_lane.said(OutputsWanted):  # noqa: ASYNC110  -- the lane hears of it by and by
        await asyncio.sleep(0.01)
    assert live_lane.said(LookWanted) == [LookWanted(look=Look(smooth=0.5), change=1)]
    assert live_lane.said(OutputsWanted) == [OutputsWanted(outputs=(RecordOutput(),))]


async def test_a_change_that_is_wrong_changes_nothing(
    client: httpx.AsyncClient, stream: str, live_lane: LiveLane
) -> None:
    for wrong in ({"look": {"smooth": 7}}, {"outputs": []}, {"source": "rtmp://x.example.org/y"}):
        assert (await client.patch(stream, json=wrong)).status_code == 422
    assert not live_lane.said(LookWanted)


async def test_a_stream_is_ended_and_then_removed(
    client: httpx.AsyncClient, stream: str, live_lane: LiveLane, store: ObjectStore, contexts: MemoryContext
) -> None:
    key = stream.removeprefix("/v1/")
    await contexts.put(key.removeprefix("streams/"), b"whose faces they were", 60)
    await store.put(f"{key}/record.mp4", b"recording")
    assert (await client.delete(stream)).json() == {"id": key.removeprefix("streams/"), "state": "ended"}
    await state_of(client, stream, "ended")
    assert live_lane.said(LiveEnded) == [LiveEnded()]
    assert await store.exists(f"{key}/record.mp4")
    assert (await client.patch(stream, json={"look": "none"})).status_code == 410
    assert (await client.delete(f"{stream}?keep=true")).json()["state"] == "kept"
    assert await store.exists(f"{key}/record.mp4")
    assert (await client.delete(stream)).json()["state"] == "removed"
    assert not await store.exists(f"{key}/record.mp4")
    assert await contexts.get(key.removeprefix("streams/")) is None
    assert (await client.get(stream)).status_code == 404
    assert (await client.delete(stream)).status_code == 404


async def test_what_an_earlier_gateway_kept_can_be_removed(client: httpx.AsyncClient, store: ObjectStore) -> None:
    stream = "a" * 20
    await store.put(f"streams/{stream}/record.mp4", b"recording")
    assert (await client.delete(f"/v1/streams/{stream}")).json()["state"] == "removed"
    assert not await store.exists(f"streams/{stream}/record.mp4")


async def test_who_watches_sees_it_to_its_end(client: httpx.AsyncClient, stream: str, live_lane: LiveLane) -> None:
    watching = asyncio.create_task(client.get(f"{stream}/events"))
    await asyncio.sleep(0)
    await live_lane.say(LiveBegan(facts=FACTS, resumed=False))
    await state_of(client, stream, "running")
    await client.delete(stream)
    events = events_in((await watching).text)
    assert [name for name, *_ in events[-1:]] == ["ended"]
    assert events[-1][2]["state"] == "ended"
    assert {name for name, *_ in events[:-1]} == {"state"}


async def test_who_comes_back_to_a_stream_hears_nothing_twice_and_its_end_once(
    client: httpx.AsyncClient, parts: Parts, stream: str, live_lane: LiveLane
) -> None:
    await live_lane.say(LiveBegan(facts=FACTS, resumed=False))
    await state_of(client, stream, "running")
    heard = stream_id(parts.streams.find(stream.rpartition("/")[2]))
    watching = asyncio.create_task(client.get(f"{stream}/events", headers={"Last-Event-ID": heard}))
    await client.delete(stream)
    found = events_in((await watching).text)
    assert heard not in {number for _, number, _ in found}
    assert [name for name, *_ in found].count("ended") == 1
    last = found[-1][1]
    again = events_in((await client.get(f"{stream}/events", headers={"Last-Event-ID": heard})).text)
    assert [(name, number) for name, number, _ in again] == [("ended", last)]
    over = await client.get(f"{stream}/events", headers={"Last-Event-ID": last})
    assert (over.status_code, over.content) == (204, b"")


def events_in(text: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Name, id and data of each."""
    found = []
    assert text.startswith("retry: 1000\n\n")
    for part in text.strip().split("\n\n")[1:]:
        if not part.startswith(":"):
            name, number, data = (line.partition(": ")[2] for line in part.split("\n"))
            found.append((name, number, json.loads(data)))
    return found


async def test_without_room_it_is_said_when_to_come_back(client: httpx.AsyncClient, live_lane: LiveLane) -> None:
    live_lane.refused = True
    answer = await client.post("/v1/streams", json=WISH)
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "no-room", "3")
    assert (await client.get("/v1/streams")).json() == {"streams": []}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "malformed-request"),
        (b"no json", 400, "malformed-request"),
        (b" " * 70_000, 413, "too-large"),
        (json.dumps(WISH | {"source": "ftp://x.example.org/secret"}).encode(), 422, "source-refused"),
        (json.dumps(WISH | {"look": {"smooth": 7}}).encode(), 422, "invalid-look"),
        (json.dumps(WISH | {"extra": 1}).encode(), 422, "invalid-parameter"),
        (json.dumps(WISH | {"detector": "nobody"}).encode(), 422, "unknown-model"),
    ],
)
async def test_what_is_wrong_is_refused_before_a_lane_is_asked(
    client: httpx.AsyncClient, live_lane: LiveLane, body: bytes, status: int, code: str
) -> None:
    answer = await client.post("/v1/streams", content=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "secret" not in answer.text
    assert not live_lane.opened


async def test_the_contract_and_the_client_name_every_scheme_that_is_fetched_by(client: httpx.AsyncClient) -> None:
    body = (await client.get("/openapi.json")).json()["paths"]["/v1/streams"]["post"]["requestBody"]
    said = body["content"]["application/json"]["schema"]["properties"]["source"]["description"]
    for told in (said, inspect.getdoc(Client.begin_stream) or ""):
        names = re.findall(r"[a-z()]+(?=://)", told)
        assert {name.replace("(s)", s) for name in names for s in ("", "s")} == SCHEMES.keys()


@pytest.mark.parametrize("verb", ["GET", "PATCH", "DELETE"])
async def test_a_stream_that_is_not_there_is_not_found(client: httpx.AsyncClient, verb: str) -> None:
    assert (await client.request(verb, "/v1/streams/nobody", content=b"{}")).status_code == 404
