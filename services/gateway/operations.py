"""For those who run the service: is it there, is it ready, what does it measure, where did the time go."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest

from services.gateway.documents import FramesDocument, StateDocument, TracesDocument
from services.gateway.parts import FromApp, Parts
from services.gateway.problems import Refusal, documented
from services.gateway.scopes import OPEN, FromCaller, needs
from services.gateway.traces.asked import AskedTraces
from shared.model.keys import Scope
from shared.model.sessions import CardUse

_slots_in_use = Gauge("visavis_pool_slots_in_use", "Slots of a lane's frame pool that are not free.", ("lane",))
_card_slots_in_use = Gauge(
    "visavis_card_pool_slots_in_use", "Slots of a lane's frame pool on a card that are not free.", ("lane",)
)
_on_card = Gauge("visavis_lane_on_card", "1: frames of the lane may lie on its card; 0: on the host alone.", ("lane",))
_card_use = Gauge("visavis_card_use", "How busy a lane's card is: percent of time, and bytes.", ("lane", "what"))
router = APIRouter(tags=["operations"])

_OTLP: dict[str, Any] = {
    "description": "OTLP JSON (TracesData): ids in hexadecimal.",
    "content": {"application/json": {"schema": {"type": "object"}, "example": {"resourceSpans": []}}},
}
_METRICS: dict[str, Any] = {
    "description": "Prometheus text.",
    "content": {
        "text/plain": {
            "schema": {"type": "string"},
            "example": 'visavis_request_seconds_count{route="/v1/images",method="POST",status="200"} 3.0\n',
        }
    },
}


@router.get(
    "/healthz",
    dependencies=[OPEN],
    summary="Say whether the gateway lives",
    response_model=StateDocument,
    responses=documented(),
)
async def healthz(parts: FromApp) -> StateDocument:
    """200 as long as the process answers, with or without lanes."""
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
async def metrics(parts: FromApp) -> Response:
    """Requests by route and status, for pictures what each hop waited and worked, the use of each frame pool, on the
    host and on a card, and how busy each card is."""
    for gauge in (_slots_in_use, _card_slots_in_use, _on_card, _card_use):
        gauge.clear()
    for worker in parts.presence.workers():
        if worker.service == "ingest":
            _slots_in_use.labels(worker.lane).set(worker.slots_in_use)
            _card_slots_in_use.labels(worker.lane).set(worker.card_slots_in_use)
            _on_card.labels(worker.lane).set(not parts.presence.why_not_on_card(worker.lane))
            for what, value in msgspec.structs.asdict(worker.card_use or CardUse()).items():
                if value is not None:
                    _card_use.labels(worker.lane, what).set(value)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


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
    return StateDocument(status=status, lanes=lanes, frames=frames)


def _json(document: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(document), media_type="application/json")
