"""Videos: taken in at once, worked on in the background."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from services.gateway.documents import JobDocument
from services.gateway.fields import OF_JOBS, asks
from services.gateway.parts import FromApp
from services.gateway.problems import documented
from services.gateway.rest import events
from services.gateway.rest.events import JobPosition
from services.gateway.rest.idempotency import IDEMPOTENCY_KEY, idempotency_key
from services.gateway.rest.ownership import OwnJob
from services.gateway.rest.ranges import byte_range
from services.gateway.rest.removal_documents import RemovalDocument
from services.gateway.scopes import FromCaller, needs
from services.gateway.uploads import Upload
from shared.model.errors import StorageFull
from shared.model.jobs import JobState
from shared.model.keys import Scope
from shared.model.media import MediaKind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.gateway.parts import Parts
    from shared.model.jobs import JobRecord

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], dependencies=[needs(Scope.JOBS)])

_SUFFIXES = {
    "video/mp4": "mp4", "video/quicktime": "mov", "video/x-matroska": "mkv", "video/webm": "webm",
    "image/gif": "gif", "application/jsonl": "jsonl",
}  # fmt: skip
_EVENTS = {JobState.DONE: "done", JobState.FAILED: "failed", JobState.CANCELLED: "cancelled"}
_EVENT_STREAM: dict[str, Any] = {
    "description": "`progress` after each change, then one of `done`, `failed`, `cancelled`; the data is the job.",
    "content": {
        "text/event-stream": {
            "schema": {"type": "string"},
            "example": 'event: progress\nid: 1-126-running\ndata: {"state": "running", "progress": 0.41}\n\n',
        }
    },
}
_BINARY = {"schema": {"type": "string", "format": "binary"}, "example": "(the file's bytes)"}
_RESULT: dict[str, Any] = {
    "description": "The result.", "content": {"video/mp4": _BINARY, "application/jsonl": _BINARY}
}  # fmt: skip


@router.post(
    "",
    status_code=202,
    summary="Hand in a video",
    response_model=JobDocument,
    responses={
        202: {
            "description": "The job.",
            "headers": {"Location": {"description": "Where the job is.", "schema": {"type": "string"}}},
        },
        **documented(
            "empty", "malformed-request", "upload-cut-off", "upload-stalled", "too-large", "unsupported-media",
            "invalid-parameter", "invalid-look", "unknown-asset", "unknown-model", "unsupported-look",
            "quota-exceeded", "unavailable", "storage-full", "callback-refused",
        ),
    },
    openapi_extra=asks(OF_JOBS, sorted(kind for kind in MediaKind if not kind.is_still), "A video or an animation.")
    | {"parameters": [IDEMPOTENCY_KEY]},
)  # fmt: skip
async def hand_in(request: Request, response: Response, parts: FromApp, caller: FromCaller) -> JobDocument:
    """A form with the part `file` and fields, in any order. The file goes to the object store as it comes; a raw body
    with the fields in the query (`?look=`) will do as well.

    Who sends an `Idempotency-Key` may send the same again when no answer came: there will be one job, and that is
    answered with. The key holds as long as the job is known.
    """
    caller.quota.refuse_debt()
    upload = Upload(request, parts.settings, "max_upload_bytes", OF_JOBS)
    record = await parts.jobs.accept(upload, request.state.trace_id, caller.owner, idempotency_key(request))
    request.state.job = record.id
    response.headers["Location"] = f"/v1/jobs/{record.id}"
    return JobDocument.of(record)


@router.get(
    "/{job}",
    summary="Say how a job stands",
    response_model=JobDocument,
    responses=documented("not-found", "unavailable"),
)
async def look_up(job: OwnJob, parts: FromApp) -> JobDocument:
    """The ledger's entry, with the newest progress."""
    return await _document(await parts.jobs.find(job), parts)


@router.get(
    "/{job}/events",
    summary="Watch a job",
    response_class=StreamingResponse,
    responses={200: _EVENT_STREAM, **events.OVER, **documented("not-found", "unavailable")},
)
async def watch(job: OwnJob, parts: FromApp, last_event_id: events.LastEventId = "") -> Response:
    """Server-sent events from now to the end of the job. Who comes back with `Last-Event-ID`, here or at another
    gateway, hears of what is newer, and of nothing twice."""
    record, heard = await parts.jobs.find(job), JobPosition.read(last_event_id)
    if record.state.is_final and heard is not None and heard.is_final:
        return events.over()
    return events.answer(_told(job, parts, heard))


async def _told(job: str, parts: Parts, heard: JobPosition | None) -> AsyncIterator[str]:
    yield events.OPENING
    async for record in parts.jobs.watch(job, parts.settings.keep_alive_seconds):
        if record is None:
            yield events.STILL_THERE
            continue
        position = JobPosition.of(record)
        if position.is_news_after(heard):
            heard, name = position, _EVENTS.get(record.state, "progress")
            document = await _document(record, parts)
            yield events.event(name, position.id, document.model_dump_json())


@router.api_route(
    "/{job}/result",
    methods=["GET"],
    summary="Fetch the result",
    response_class=StreamingResponse,
    responses={
        200: _RESULT,
        206: {**_RESULT, "description": "The part of the result that `Range` asks for."},
        304: {"description": "It is the one that `If-None-Match` names."},
        **documented("not-found", "not-done", "job-failed", "gone", "range-not-satisfiable", "unavailable"),
    },
)
async def fetch(job: OwnJob, request: Request, parts: FromApp) -> Response:
    """The retouched video, or the faces as JSON lines. Takes `Range` (one range), `If-Range`, `If-None-Match`."""
    record, size = await parts.jobs.result(job)
    headers = _result_headers(record, size)
    known = request.headers.get("if-none-match", "")
    if headers["ETag"] in known or known.strip() == "*":
        return Response(status_code=304, headers=headers)
    asked = request.headers.get("range", "")
    if request.headers.get("if-range", headers["ETag"]) != headers["ETag"]:
        asked = ""
    part = byte_range(asked, size)
    start, end = part or (0, size)
    headers["Content-Length"] = str(end - start)
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    status, kind = 206 if part else 200, record.result_type
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=kind)
    return StreamingResponse(parts.jobs.read_result(job, start, end), status, headers, kind)


router.add_api_route("/{job}/result", fetch, methods=["HEAD"], include_in_schema=False)


@router.delete(
    "/{job}",
    summary="Cancel a job, or remove all there is of one that has ended",
    response_model=RemovalDocument,
    responses=documented("not-found", "unavailable", "storage-full"),
)
async def remove(job: OwnJob, parts: FromApp) -> RemovalDocument:
    """A job that has not ended is cancelled: the work stops, and its media is removed wherever it lies; that there was
    such a job stays known. Of one that has ended, cancelled or not, nothing is left: not its entry, and no event."""
    record = await parts.jobs.find(job)
    if record.state.is_final:
        return RemovalDocument.of(job, "removed", await parts.removal.everything(job))
    try:
        await parts.jobs.cancel(job)
    except StorageFull:  # there is no room to say so before the media is gone
        await parts.removal.media(job)
        await parts.jobs.cancel(job)
    return RemovalDocument.of(job, "cancelled", await parts.removal.media(job))


async def _document(record: JobRecord, parts: Parts) -> JobDocument:
    """With what became of its call back, and the time at which it will be removed, where that is known."""
    standing, keep = await parts.callbacks.standing(record), parts.settings.keep_seconds
    if not (keep and record.state.is_final):
        return JobDocument.of(record, standing)
    return JobDocument.of(record, standing, await parts.removal.last_change(record.id) + keep)


def _result_headers(record: JobRecord, size: int) -> dict[str, str]:
    suffix = _SUFFIXES.get(record.result_type, "bin")
    return {
        "Accept-Ranges": "bytes",
        "ETag": f'"{record.id}-{record.attempt}-{size}"',
        "Content-Disposition": f'attachment; filename="visavis-{record.id}.{suffix}"',
        "Cache-Control": "private, no-transform",
    }
