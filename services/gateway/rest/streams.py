"""Streams that Visavis fetches by itself: begun, looked up, watched, changed, ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from services.gateway.parts import FromApp
from services.gateway.problems import Refusal, documented
from services.gateway.rest import events
from services.gateway.rest.ownership import OwnStream
from services.gateway.rest.stream_documents import StreamDocument, StreamRemovalDocument, StreamsDocument
from services.gateway.scopes import FromCaller, needs
from services.gateway.streams.wishes import MOST_BODY_BYTES
from shared.model.errors import Rejected
from shared.model.keys import Scope

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.gateway.parts import Parts

router = APIRouter(prefix="/v1/streams", tags=["streams"], dependencies=[needs(Scope.STREAMS)])

Keep = Annotated[bool, Query(description="Leave a stream that is over as it is: end it only if it runs.")]
_EVENT_STREAM: dict[str, Any] = {
    "description": "`state` after each change and now and then, then one of `ended`, `failed`; the data is the stream.",
    "content": {
        "text/event-stream": {
            "schema": {"type": "string"},
            "example": 'event: state\nid: 2-300-290-running\ndata: {"state": "running", "restarts": 0}\n\n',
        }
    },
}
_OUTPUTS: dict[str, Any] = {
    "type": "array",
    "minItems": 1,
    "maxItems": 8,
    "description": "Each an object with one member: `hls` (`segment_seconds` 0.5..10, `window` 3..1000), `rtmp` (an "
    "address, or `url`), `record` (`max_seconds`). One `hls` and one `record` at most.",
    "items": {"type": "object", "minProperties": 1, "maxProperties": 1},
}
_LOOK: dict[str, Any] = {
    "description": "A preset's name or an object of effects, see `/v1/looks`.",
    "anyOf": [{"type": "string"}, {"$ref": "#/components/schemas/LookDocument"}],
}
_WISH: dict[str, Any] = {
    "type": "object",
    "required": ["source", "outputs"],
    "additionalProperties": False,
    "properties": {
        "source": {
            "type": "string",
            "description": "Where to fetch from: rtmp(s)://, rtsp(s)://, srt://, http(s)://, as far as the deployment "
            "allows.",
        },
        "outputs": _OUTPUTS,
        "look": {**_LOOK, "default": "default"},
        "detector": {"type": "string", "description": "See `/v1/models`."},
        "landmarks": {"type": "string", "description": "See `/v1/models`."},
        "output": {
            "type": "object",
            "description": "How frames are coded: `codec`, `bitrate_kbps`, `quality`, `key_interval_seconds`, "
            "`low_delay`.",
        },
        "max_delay_ms": {
            "type": "integer", "minimum": 20, "maximum": 60_000, "default": 500,
            "description": "A frame that is older is dropped.",
        },
    },
}  # fmt: skip
_CHANGE: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"look": _LOOK, "outputs": {**_OUTPUTS, "description": "All that are wanted from now on."}},
}
_WISHED = {
    "source": "rtmp://live.example.org/app/key",
    "look": "natural",
    "outputs": [{"hls": {}}, {"rtmp": "rtmp://push.example.org/app/key"}, {"record": {"max_seconds": 600}}],
}
_WRONG = (
    "malformed-request", "too-large", "invalid-parameter", "invalid-look", "unknown-asset", "unknown-model",
    "unsupported-look", "unavailable",
)  # fmt: skip


def _json_body(schema: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": schema, "examples": {"usual": {"value": example}}}}
    return {"requestBody": {"required": True, "content": content}}


@router.post(
    "",
    status_code=201,
    summary="Begin a stream",
    response_model=StreamDocument,
    responses={
        201: {
            "description": "A lane has it.",
            "headers": {"Location": {"description": "Where the stream is.", "schema": {"type": "string"}}},
        },
        **documented(*_WRONG, "source-refused", "no-room", "quota-exceeded"),
    },
    openapi_extra=_json_body(_WISH, _WISHED),
)
async def begin(request: Request, response: Response, parts: FromApp, caller: FromCaller) -> StreamDocument:
    """Fetches a source, retouches every face in it as it comes, and makes HLS, a push to an RTMP server or a recording
    of it. The stream belongs to this gateway and ends with it."""
    run = await parts.streams.begin(await _body(request), request.state.trace_id, caller)
    request.state.stream = run.name
    response.headers["Location"] = f"/v1/streams/{run.name}"
    return StreamDocument.of(run)


@router.get("", summary="List the streams", response_model=StreamsDocument, responses=documented())
async def list_streams(parts: FromApp, caller: FromCaller) -> StreamsDocument:
    """Those of the key that were begun at this gateway, the newest first; the last of those that are over among
    them."""
    return StreamsDocument(
        streams=[StreamDocument.of(run) for run in parts.streams.all() if caller.sees(run.caller.owner)]
    )


@router.get(
    "/{stream}", summary="Say how a stream stands", response_model=StreamDocument, responses=documented("not-found")
)
async def look_up(stream: OwnStream, parts: FromApp) -> StreamDocument:
    """Its state, its exact account, and what happened lately."""
    return StreamDocument.of(parts.streams.find(stream))


@router.patch(
    "/{stream}",
    summary="Change a stream",
    response_model=StreamDocument,
    responses=documented(*_WRONG, "not-found", "gone"),
    openapi_extra=_json_body(_CHANGE, {"look": {"smooth": 0.8}}),
)
async def change(stream: OwnStream, request: Request, parts: FromApp) -> StreamDocument:
    """Another look or other outputs from now on. A look that the lane cannot draw is told by the notice `look-refused`,
    and the one before stays."""
    return StreamDocument.of(await parts.streams.change(stream, await _body(request)))


@router.delete(
    "/{stream}",
    summary="End a stream, or remove what is kept of one that is over",
    response_model=StreamRemovalDocument,
    responses=documented("not-found", "unavailable"),
)
async def end(stream: OwnStream, parts: FromApp, keep: Keep = False) -> StreamRemovalDocument:
    """Of one that runs what is under way still goes out, and HLS and recording are completed and stay. Of one that is
    over, by a DELETE or by itself, they are removed, unless `keep` says that they are to stay."""
    return StreamRemovalDocument(id=stream, state=await parts.streams.remove(stream, keep=keep))


@router.get(
    "/{stream}/events",
    summary="Watch a stream",
    response_class=StreamingResponse,
    responses={200: _EVENT_STREAM, **events.OVER, **documented("not-found")},
)
async def watch(stream: OwnStream, parts: FromApp, last_event_id: events.LastEventId = "") -> Response:
    """Server-sent events from now to the end of the stream. Who comes back with `Last-Event-ID` hears of nothing
    twice."""
    run = parts.streams.find(stream)
    if run.state.is_final and last_event_id == events.stream_id(run):
        return events.over()
    return events.answer(_told(stream, parts, last_event_id))


async def _told(stream: str, parts: Parts, heard: str) -> AsyncIterator[str]:
    yield events.OPENING
    async for run in parts.streams.watch(stream, parts.settings.keep_alive_seconds):
        if run is None:
            yield events.STILL_THERE
            continue
        number = events.stream_id(run)
        if number != heard:
            heard, name = number, run.state if run.state.is_final else "state"
            yield events.event(name, number, StreamDocument.of(run).model_dump_json())


async def _body(request: Request) -> bytes:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_BODY_BYTES:
            raise Rejected("too-large", f"The body has more than {MOST_BODY_BYTES} bytes.")
    if not body:
        raise Refusal("malformed-request", "The body is empty: send a JSON object.")
    return body
