"""Around every call that is no plain HTTP request."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from structlog.testing import CapturingLogger

from services.gateway.calls import Call, Failure, served
from services.gateway.problems import Refusal
from shared.model.errors import Rejected, Unavailable
from shared.runtime.instruments import HTTP_REQUEST
from tests.scrapes import value

if TYPE_CHECKING:
    from shared.runtime.telemetry import Telemetry

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALL = Call(
    "/v1/somewhere",
    HTTP_REQUEST,
    lambda code: {"http.route": "/v1/somewhere", "http.response.status_code": code},
    {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"},
)


class Refused:
    def __init__(self) -> None:
        self.told: list[tuple[Failure, str]] = []

    async def __call__(self, failure: Failure, trace_id: str) -> None:
        self.told.append((failure, trace_id))


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (Rejected("too-large", "It is."), Failure("too-large", "It is.")),
        (Refusal("no-room", "None.", headers={"Retry-After": "3"}), Failure("no-room", "None.", 3.0)),
        (Unavailable("Away."), Failure("unavailable", "Away.", 1.0)),
    ],
)
async def test_every_error_is_told_with_its_trace(telemetry: Telemetry, error: Exception, failure: Failure) -> None:
    refused = Refused()
    async with served(telemetry, CALL, refused):
        raise error
    assert refused.told == [(failure, TRACE)]


async def test_every_call_is_measured_by_how_it_ended(telemetry: Telemetry) -> None:
    async with served(telemetry, CALL, Refused()):
        pass
    async with served(telemetry, CALL, Refused()):
        raise Rejected("too-large", "It is.")
    name = "http_server_request_duration_seconds_count"
    found = {code: value(telemetry.metrics, name, http_response_status_code=code) for code in ("ok", "too-large")}
    assert found == {"ok": 1, "too-large": 1}


async def test_a_bug_tells_nothing_of_itself(telemetry: Telemetry) -> None:
    refused = Refused()
    async with served(telemetry, CALL, refused):
        raise KeyError("secret")
    [(failure, _)] = refused.told
    assert failure.code == "internal"
    assert "secret" not in failure.detail


@pytest.mark.parametrize("error", [asyncio.CancelledError(), ConnectionResetError()])
async def test_whoever_is_gone_is_told_nothing(telemetry: Telemetry, error: BaseException) -> None:
    refused = Refused()
    with pytest.raises(type(error)):
        async with served(telemetry, CALL, refused):
            raise error
    assert not refused.told


async def test_the_log_has_one_line_a_call(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    log = CapturingLogger()
    monkeypatch.setattr("services.gateway.calls.log", log)
    async with served(telemetry, CALL, Refused()) as about:
        about.facts["received"] = 3
    [(level, (event,), facts)] = log.calls
    assert facts.pop("duration_ns") >= 0
    assert (level, event) == ("info", "request")
    assert facts == {"route": "/v1/somewhere", "outcome": "ok", "received": 3}


@pytest.mark.parametrize(
    ("error", "word"), [(Unavailable("Away."), "unavailable"), (Rejected("too-large", "It is."), "")]
)
async def test_what_is_our_fault_is_an_error_of_the_calls_span(
    telemetry: Telemetry, spans: list[bytes], error: Exception, word: str
) -> None:
    async with served(telemetry, CALL, Refused()):
        raise error
    telemetry.close()
    [found] = [ExportTraceServiceRequest.FromString(one) for one in spans]
    assert found.resource_spans[0].scope_spans[0].spans[0].status.message == word
