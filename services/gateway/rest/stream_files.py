"""What streams have made, as files: HLS for players on any page, and recordings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from services.gateway.names import is_name
from services.gateway.parts import FromApp
from services.gateway.problems import Refusal, documented
from services.gateway.rest.ownership import OwnStream
from services.gateway.rest.ranges import byte_range
from services.gateway.scopes import OPEN, needs
from shared.model.keys import Scope

if TYPE_CHECKING:
    from services.gateway.parts import Parts

router = APIRouter(prefix="/v1/streams", tags=["streams"])

_NEEDS = needs(Scope.STREAMS)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}\.(m3u8|mp4|m4s)")
_KINDS = {"m3u8": "application/vnd.apple.mpegurl", "mp4": "video/mp4", "m4s": "video/iso.segment"}
_ANYBODY = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Content-Length, Content-Range, X-Visavis-Trace-Id",
}
"""Players run on pages of other origins; there is nothing here that a cookie would open."""
_PREFLIGHT = {
    **_ANYBODY,
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "Range",
    "Access-Control-Max-Age": "86400",
}
_FOR_EVER = "public, max-age=31536000, immutable"
_BINARY = {"schema": {"type": "string", "format": "binary"}, "example": "(the file's bytes)"}
_PIECE: dict[str, Any] = {"description": "The file.", "content": dict.fromkeys(_KINDS.values(), _BINARY)}
_RECORD: dict[str, Any] = {"description": "The recording.", "content": {"video/mp4": _BINARY}}
_PARTLY = {"description": "The part that `Range` asks for."}


@router.get(
    "/{stream}/hls/{name}",
    dependencies=[OPEN],
    summary="Play a stream by HLS",
    response_class=StreamingResponse,
    responses={
        200: _PIECE,
        206: {**_PIECE, **_PARTLY},
        **documented("not-found", "range-not-satisfiable", "unavailable"),
    },
)
async def hls(stream: str, name: str, request: Request, parts: FromApp) -> Response:
    """`index.m3u8` is the playlist; it names the others, which never change. Pages of any origin may play it. No key
    is asked for, as players send none: who knows the stream's id, over 100 random bits, may play it."""
    found = _NAME.fullmatch(name)
    if not is_name(stream) or found is None:
        raise _unknown()
    caching = "no-cache" if found[1] == "m3u8" else _FOR_EVER
    headers = {**_ANYBODY, "Cache-Control": caching}
    return await _file(parts, request, f"streams/{stream}/hls/{name}", _KINDS[found[1]], headers)


@router.get(
    "/{stream}/record",
    dependencies=[_NEEDS],
    summary="Fetch the recording of a stream",
    response_class=StreamingResponse,
    responses={
        200: _RECORD, 206: {**_RECORD, **_PARTLY},
        **documented("not-found", "invalid-parameter", "range-not-satisfiable", "unavailable"),
    },
)  # fmt: skip
async def record(stream: OwnStream, request: Request, parts: FromApp, part: int = 1) -> Response:
    """There when the stream is over. `part`: where the source changed its kind meanwhile, or another lane went on with
    the stream, there are several files, from 1."""
    if not is_name(stream) or not 1 <= part <= 9999:
        raise _unknown()
    name = "record.mp4" if part == 1 else f"record-{part}.mp4"
    headers = {
        "Cache-Control": "private, no-transform",
        "Content-Disposition": f'attachment; filename="visavis-{stream}-{part}.mp4"',
    }
    return await _file(parts, request, f"streams/{stream}/{name}", "video/mp4", headers)


async def _preflight(stream: str, name: str) -> Response:  # noqa: ARG001  -- the same for every file
    """A browser asks whether a page may ask."""
    return Response(status_code=204, headers=_PREFLIGHT)


router.add_api_route("/{stream}/hls/{name}", hls, methods=["HEAD"], dependencies=[OPEN], include_in_schema=False)
router.add_api_route(
    "/{stream}/hls/{name}", _preflight, methods=["OPTIONS"], dependencies=[OPEN], include_in_schema=False
)
router.add_api_route("/{stream}/record", record, methods=["HEAD"], dependencies=[_NEEDS], include_in_schema=False)


async def _file(parts: Parts, request: Request, key: str, kind: str, headers: dict[str, str]) -> Response:
    try:
        size = await parts.streams.size(key)
        part = byte_range(request.headers.get("range", ""), size)
    except Refusal as error:
        error.headers.update({name: value for name, value in headers.items() if name in _ANYBODY})
        raise
    start, end = part or (0, size)
    headers |= {"Accept-Ranges": "bytes", "Content-Length": str(end - start)}
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    status = 206 if part else 200
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=kind)
    return StreamingResponse(parts.streams.read(key, start, end), status, headers, kind)


def _unknown() -> Refusal:
    return Refusal("not-found", "There is no such file of a stream.", headers=_ANYBODY)
