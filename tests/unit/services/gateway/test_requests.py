"""Around every request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from structlog.testing import CapturingLogger

from shared.model.keys import Quotas, Scope, split_key
from shared.runtime.telemetry import OWNER_ATTRIBUTE

if TYPE_CHECKING:
    import httpx
    import pytest

    from services.gateway.parts import Parts
    from shared.runtime.telemetry import Telemetry
    from shared.transport.keys import KeyRing

TRACE = "0af7651916cd43dd8448eb211c80319c"
CARRIED = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}


def names(spans: list[bytes]) -> list[str]:
    found = [ExportTraceServiceRequest.FromString(one) for one in spans]
    return [s.name for one in found for r in one.resource_spans for scope in r.scope_spans for s in scope.spans]


async def test_a_callers_trace_goes_on_to_the_lane(client: httpx.AsyncClient, lane: Any) -> None:
    answer = await client.post("/v1/images", content=b"\xff\xd8\xff", headers=CARRIED)
    assert answer.headers["x-visavis-trace-id"] == TRACE
    assert len(lane.opened) == 1


async def test_a_span_is_named_after_its_route_and_not_its_path(
    client: httpx.AsyncClient, telemetry: Telemetry, spans: list[bytes]
) -> None:
    await client.get("/v1/jobs/private-name", params={"token": "secret"})
    await client.get("/somewhere/private")
    for quiet in ("/healthz", "/traces", "/traces/sign-in", "/v1/traces"):
        await client.get(quiet)
    for loud in ("/traces-else", "/healthz/else"):
        await client.get(loud)
    telemetry.close()
    assert names(spans) == ["GET /v1/jobs/{job}", *["GET unmatched"] * 3]
    assert not any(word in b"".join(spans) for word in (b"private", b"secret"))


async def test_the_log_has_one_line_a_request_without_what_is_private(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = CapturingLogger()
    monkeypatch.setattr("services.gateway.requests.log", log)
    await client.post("/v1/images", content=b"no picture", params={"look": "none"}, headers={"x-key": "secret"})
    [(level, (event,), facts)] = log.calls
    assert facts.pop("duration_ns") > 0
    assert (level, event) == ("info", "request")
    assert facts == {"route": "/v1/images", "method": "POST", "status": 415, "problem": "unsupported-media"}


async def test_whose_request_it_was_is_said_and_its_key_is_not(
    asking: Parts, client: httpx.AsyncClient, ring: KeyRing, spans: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = CapturingLogger()
    monkeypatch.setattr("services.gateway.requests.log", log)
    key = await ring.add("shop", [Scope.JOBS], Quotas())
    await client.get(f"/v1/jobs/{'a' * 20}", headers={"Authorization": f"Bearer {key}"})
    await client.get(f"/v1/jobs/{'a' * 20}")
    asking.telemetry.close()
    prefix, secret = split_key(key) or ("", "")
    assert [call[2].get("owner") for call in log.calls] == [prefix, None]
    found = [ExportTraceServiceRequest.FromString(one) for one in spans]
    said = [s.attributes for one in found for r in one.resource_spans for scope in r.scope_spans for s in scope.spans]
    owners = [[one.value.string_value for one in span if one.key == OWNER_ATTRIBUTE] for span in said]
    assert sorted(owners) == [[], [prefix], [prefix]], "when it was admitted, and when it was over"
    assert secret not in f"{log.calls}"
    assert secret.encode() not in b"".join(spans)


async def test_what_broke_on_our_side_is_an_error_of_its_span_and_a_clients_mistake_is_none(
    client: httpx.AsyncClient, telemetry: Telemetry, spans: list[bytes]
) -> None:
    await client.post("/v1/images", content=b"\xff\xd8\xff")  # nobody has room
    await client.post("/v1/images", content=b"no picture")
    telemetry.close()
    found = [ExportTraceServiceRequest.FromString(one) for one in spans]
    said = [s.status for one in found for r in one.resource_spans for scope in r.scope_spans for s in scope.spans]
    assert [(one.code == one.STATUS_CODE_ERROR, one.message) for one in said] == [(True, "unavailable"), (False, "")]
