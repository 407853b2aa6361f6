"""Requests whose every frame has spans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest

from services.gateway.access import Caller
from services.gateway.full_traces import FULL_TRACE, carried, grant, is_asked
from services.gateway.quotas import FULL_TRACES_A_MINUTE
from services.gateway.rpc.server import RpcServer
from shared.model.keys import Quotas, Scope
from shared.runtime.telemetry import asks_for_every_frame
from visavis.v1 import pictures_pb2, pictures_pb2_grpc

if TYPE_CHECKING:
    import httpx

    from services.gateway.parts import Parts
    from shared.runtime.telemetry import Telemetry
    from shared.transport.keys import KeyRing

ASKED = {FULL_TRACE: "1"}


@pytest.mark.parametrize("headers", [{}, {FULL_TRACE: "0"}, {FULL_TRACE: "yes"}, {FULL_TRACE: ""}])
def test_only_a_one_asks_for_it(headers: dict[str, str], telemetry: Telemetry) -> None:
    assert not is_asked(headers)
    with telemetry.span("request"):
        assert grant(headers, Caller()) is None


def test_a_caller_has_some_a_minute_and_then_the_usual_trace(telemetry: Telemetry) -> None:
    caller = Caller()
    for _ in range(FULL_TRACES_A_MINUTE):
        with telemetry.span("request"):
            assert grant(ASKED, caller)
            assert asks_for_every_frame()
    with telemetry.span("request"):
        assert grant(ASKED, caller) is False
        assert not asks_for_every_frame()
        assert grant(ASKED, Caller()), "another caller"


def test_who_asks_for_it_has_spans_whatever_his_trace_context_says() -> None:
    came = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-00"}
    assert carried(came)["traceparent"].endswith("-00")
    assert carried(came | ASKED)["traceparent"].endswith("-01")


async def test_over_http_the_lane_is_asked_for_it_and_the_caller_is_told(client: httpx.AsyncClient, lane: Any) -> None:
    plain = await client.post("/v1/images", content=b"\xff\xd8\xff")
    asked = await client.post("/v1/images", content=b"\xff\xd8\xff", headers=ASKED)
    claimed = await client.post(
        "/v1/images",
        content=b"\xff\xd8\xff",
        headers={"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "tracestate": "visavis=frames"},
    )
    assert [one.headers.get(FULL_TRACE) for one in (plain, asked, claimed)] == [None, "1", None]
    assert [one.get("tracestate") for one in lane.headers] == [None, "visavis=frames", None]


async def test_a_request_without_a_trace_uses_none_of_them_up(client: httpx.AsyncClient) -> None:
    for _ in range(FULL_TRACES_A_MINUTE + 1):
        for quiet in ("/v1/traces", "/traces"):
            assert FULL_TRACE not in (await client.get(quiet, headers=ASKED)).headers
    assert (await client.get("/v1/looks", headers=ASKED)).headers[FULL_TRACE] == "1"


async def test_no_key_no_full_trace(client: httpx.AsyncClient, asking: Parts, ring: KeyRing) -> None:
    refused = await client.get("/v1/looks", headers=ASKED)
    assert (refused.status_code, refused.headers.get(FULL_TRACE)) == (401, None)
    key = await ring.add("shop", [Scope.JOBS], Quotas())
    granted = await client.get("/v1/looks", headers=ASKED | {"Authorization": f"Bearer {key}"})
    assert (granted.status_code, granted.headers[FULL_TRACE]) == (200, "1")


async def test_over_grpc_it_is_metadata(parts: Parts, lane: Any) -> None:
    server = RpcServer(parts)
    address = await server.start()
    async with grpc.aio.insecure_channel(address) as channel:
        stub = pictures_pb2_grpc.PicturesStub(channel)
        call = stub.Analyze(pictures_pb2.AnalyzeRequest(picture=lane.picture), metadata=((FULL_TRACE, "1"),))
        await call
        told = dict(await call.trailing_metadata())
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await stub.Analyze(pictures_pb2.AnalyzeRequest(picture=b"none"), metadata=((FULL_TRACE, "1"),))
    await server._server.stop(0)
    assert (told[FULL_TRACE], lane.headers[-1]["tracestate"]) == ("1", "visavis=frames")
    assert dict(failed.value.trailing_metadata())[FULL_TRACE] == "1", "also of a call that fails"
