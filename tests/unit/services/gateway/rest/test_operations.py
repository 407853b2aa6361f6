"""What those who run the service ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shared.model.sessions import WorkerReported

if TYPE_CHECKING:
    import httpx

    from services.gateway.parts import Parts


@pytest.mark.parametrize("path", ["/healthz", "/livez"])
async def test_it_lives_before_there_is_a_lane(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "lanes": [], "frames": {}, "encoders": {}})


async def test_it_is_not_ready_before_a_lane_is_whole(client: httpx.AsyncClient, parts: Parts) -> None:
    parts.presence.note(WorkerReported(lane="test", service="ingest", worker="1", room=1))
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "unavailable", "1")


@pytest.mark.usefixtures("warm")
async def test_it_is_ready_when_a_lane_is_warm(client: httpx.AsyncClient) -> None:
    answer = (await client.get("/readyz")).json()
    assert (answer["status"], answer["lanes"]) == ("ready", ["test"])


async def test_it_is_told_where_the_frames_of_a_lane_lie_and_why(client: httpx.AsyncClient, parts: Parts) -> None:
    def note(service: str, why_not: str = "") -> None:
        report = WorkerReported(
            lane="test", service=service, worker="1", room=1,
            on_card=not why_not, why_not_on_card=why_not,
        )  # fmt: skip
        parts.presence.note(report)

    for service in ("ingest", "detect", "render"):
        note(service)
    assert (await client.get("/readyz")).json()["frames"] == {"test": {"on": "card", "reason": ""}}
    note("render", "No card here.")
    assert (await client.get("/healthz")).json()["frames"] == {"test": {"on": "host", "reason": "No card here."}}


@pytest.mark.usefixtures("warm")
async def test_it_is_told_what_the_card_of_a_lane_encodes_and_why_not_more(
    client: httpx.AsyncClient, parts: Parts
) -> None:
    silent = {"nvenc": [], "reason": "A service of the lane does not say."}
    assert (await client.get("/readyz")).json()["encoders"] == {"test": silent}
    for worker, codecs, reason in (("1", ("av1", "h264"), ""), ("2", ("h264",), "Not AV1.")):
        parts.presence.note(
            WorkerReported(
                lane="test", service="render", worker=worker, room=1, on_card=True, nvenc=codecs, why_not_nvenc=reason
            )
        )
    assert (await client.get("/readyz")).json()["encoders"] == {"test": {"nvenc": ["h264"], "reason": "Not AV1."}}


async def test_requests_and_hops_are_counted(client: httpx.AsyncClient, lane: Any) -> None:
    await client.post("/v1/images", content=b"\xff\xd8\xff")
    text = (await client.get("/metrics")).text
    labels = 'http_request_method="POST",http_response_status_code="200",http_route="/v1/images"'
    assert f"http_server_request_duration_seconds_count{{{labels}" in text
    assert 'visavis_hop_waited_seconds_count{hop="gateway"' in text


async def test_metrics_are_given_with_exemplars_to_who_asks_for_them(client: httpx.AsyncClient, lane: Any) -> None:
    answer = await client.post("/v1/images", content=b"\xff\xd8\xff")
    text = (await client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})).text
    assert f'trace_id="{answer.headers["x-visavis-trace-id"]}"' in text
    assert "trace_id" not in (await client.get("/metrics")).text
