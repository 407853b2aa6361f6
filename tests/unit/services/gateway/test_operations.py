"""What those who run the service ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shared.model.sessions import CardUse, WorkerReported

if TYPE_CHECKING:
    import httpx

    from services.gateway.parts import Parts


async def test_it_lives_before_there_is_a_lane(client: httpx.AsyncClient) -> None:
    answer = await client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "lanes": [], "frames": {}})


async def test_it_is_not_ready_before_a_lane_is_whole(client: httpx.AsyncClient, parts: Parts) -> None:
    parts.presence.note(WorkerReported(lane="test", service="ingest", worker="1", room=1))
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "unavailable", "1")


@pytest.mark.usefixtures("warm")
async def test_it_is_ready_when_a_lane_is_warm(client: httpx.AsyncClient) -> None:
    answer = (await client.get("/readyz")).json()
    assert (answer["status"], answer["lanes"]) == ("ready", ["test"])


async def test_it_is_told_where_the_frames_of_a_lane_lie_and_why(client: httpx.AsyncClient, parts: Parts) -> None:
    def note(service: str, why_not: str = "", in_use: int = 0) -> None:
        report = WorkerReported(
            lane="test", service=service, worker="1", room=1,
            on_card=not why_not, why_not_on_card=why_not, card_slots_in_use=in_use,
        )  # fmt: skip
        parts.presence.note(report)

    for service in ("ingest", "detect", "render"):
        note(service, in_use=3)
    assert (await client.get("/readyz")).json()["frames"] == {"test": {"on": "card", "reason": ""}}
    text = (await client.get("/metrics")).text
    assert 'visavis_lane_on_card{lane="test"} 1.0' in text
    assert 'visavis_card_pool_slots_in_use{lane="test"} 3.0' in text
    note("render", "No card here.")
    assert (await client.get("/healthz")).json()["frames"] == {"test": {"on": "host", "reason": "No card here."}}
    assert 'visavis_lane_on_card{lane="test"} 0.0' in (await client.get("/metrics")).text


async def test_it_is_told_how_busy_cards_are_as_far_as_they_say(client: httpx.AsyncClient, parts: Parts) -> None:
    use = CardUse(kernels_percent=61, memory_used_bytes=4096)
    parts.presence.note(WorkerReported(lane="test", service="ingest", worker="1", room=1, card_use=use))
    text = (await client.get("/metrics")).text
    assert 'visavis_card_use{lane="test",what="kernels_percent"} 61.0' in text
    assert 'visavis_card_use{lane="test",what="memory_used_bytes"} 4096.0' in text
    assert "decoder_percent" not in text


async def test_requests_and_hops_are_counted(client: httpx.AsyncClient, lane: Any) -> None:
    await client.post("/v1/images", content=b"\xff\xd8\xff")
    text = (await client.get("/metrics")).text
    assert 'visavis_request_seconds_count{method="POST",protocol="http",route="/v1/images",status="200"}' in text
    assert 'visavis_hop_waited_seconds_count{service="detect"}' in text
