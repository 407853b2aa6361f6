"""For those who run the service: is it there, is it ready, what does it measure, where did the time go."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from fastapi import APIRouter, Response
from starlette.requests import Request

from services.gateway.documents import TracesDocument
from services.gateway.parts import FromApp, Parts
from services.gateway.problems import Refusal, documented
from services.gateway.rest.state_documents import EncodersDocument, FramesDocument, StateDocument
from services.gateway.scopes import OPEN, FromCaller, needs
from services.gateway.traces.asked import AskedTraces
from shared.model.keys import Scope

router = APIRouter(tags=["operations"])

_OTLP: dict[str, Any] = {
    "description": "OTLP JSON (TracesData): ids in hexadecimal.",
    "content": {"application/json": {"schema": {"type": "object"}, "example": {"resourceSpans": []}}},
}
_METRICS: dict[str, Any] = {
    "description": "Prometheus text; OpenMetrics, with exemplars, where `Accept` asks for it.",
    "content": {
        "text/plain": {
            "schema": {"type": "string"},
            "example": 'http_server_request_duration_seconds_count{http_route="/v1/images"} 3.0\n',
        }
    },
}


@router.get(
    "/livez",
    name="livez",
    dependencies=[OPEN],
    summary="Say whether the gateway lives, as other services do",
    response_model=StateDocument,
    responses=documented(),
)
@router.get(
    "/healthz",
    dependencies=[OPEN],
    summary="Say whether the gateway lives",
    response_model=StateDocument,
    responses=documented(),
)
async def healthz(parts: FromApp) -> StateDocument:
    """200 as long as the process answers, with or without lanes. `/healthz` and `/livez` are the same."""
    return _state("ok", parts)


@router.get(
    "/readyz",
    dependencies=[OPEN],
    summary="Say whether work can be done",
    response_model=StateDocument,
    responses=documented("unavailable"),
)
async def readyz(parts: FromApp) -> StateDocument:
    """200 when at least one lane has all its services warm; else a 503 problem."""
    if not parts.presence.warm_lanes():
        raise Refusal("unavailable", "No lane has ingest, detect and render warm.", headers={"Retry-After": "1"})
    return _state("ready", parts)


@router.get(
    "/metrics",
    dependencies=[needs(Scope.OPERATIONS)],
    summary="Give the metrics",
    response_class=Response,
    responses={200: _METRICS, **documented()},
)
async def metrics(parts: FromApp, request: Request) -> Response:
    """What this gateway measures; each service of a lane has a `/metrics` of its own."""
    accept = request.headers.get("accept", "")
    body, content_type = await asyncio.to_thread(parts.telemetry.metrics.exposition, accept)
    return Response(body, headers={"Content-Type": content_type})


@router.get(
    "/v1/traces",
    dependencies=[needs(None)],
    summary="List the last traces",
    response_model=TracesDocument,
    responses=documented("invalid-parameter"),
)
async def list_traces(parts: FromApp, caller: FromCaller, asked: AskedTraces) -> Response:
    """Newest first, or slowest: those of the key's own requests, all with the scope `operations`. Empty where spans go
    to a collector. `/traces` shows the same to people."""
    return _json({"traces": parts.traces.summaries(caller.sees_trace, asked)})


@router.get(
    "/v1/traces/{trace_id}",
    dependencies=[needs(None)],
    summary="Give a trace",
    response_class=Response,
    responses={200: _OTLP, **documented("not-found")},
)
async def get_trace(trace_id: str, parts: FromApp, caller: FromCaller) -> Response:
    """All spans of a trace as OTLP JSON. The last spans come about a second after the answer."""
    trace = parts.traces.trace(trace_id, caller.sees_trace)
    return _json(await asyncio.to_thread(trace.otlp_json))


def _state(status: str, parts: Parts) -> StateDocument:
    lanes = sorted(parts.presence.warm_lanes())
    frames = {lane: FramesDocument.of(parts.presence.why_not_on_card(lane)) for lane in lanes}
    encoders = {lane: EncodersDocument.of(parts.presence.nvenc(lane)) for lane in lanes}
    return StateDocument(status=status, lanes=lanes, frames=frames, encoders=encoders)


def _json(document: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(document), media_type="application/json")
