"""The function over HTTP, for Cloud Run, Knative and Function Compute: POST a document, get one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from shared.model.errors import Malformed
from visavis.serverless.documents import answer_body, call_of_body, status_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from shared.model.jobs import SegmentDone, SegmentFailed, SegmentRequested
    from visavis.serverless.documents import Call

MOST_BYTES = 256 * 1024
"""Of a document: a look has 8 KiB at most."""


class Segments(Protocol):
    """What works on segments: a Function."""

    async def segment(self, request: SegmentRequested, session: str) -> SegmentDone | SegmentFailed:
        """The answer."""
        ...


def application(function: Segments) -> Starlette:
    """The ASGI application. It answers 200 with SegmentDone, 422 with a SegmentFailed that another try does not mend,
    503 with one that it may, and 400 or 413 for what is no document.
    """

    async def segment(request: Request) -> Response:
        body = await _body(request)
        try:
            call = call_of_body(body, request.headers)
        except Malformed as error:
            return _problem(400, "malformed", str(error))
        return _answered(call, await function.segment(call.request, call.session))

    async def nothing(_: Request) -> Response:
        return Response(status_code=200)

    return Starlette(
        routes=[
            Route("/", segment, methods=["POST"]),
            Route("/invoke", segment, methods=["POST"]),  # Function Compute's name for an event
            Route("/initialize", nothing, methods=["POST"]),  # it is warm before it listens
            Route("/health", nothing),
        ]
    )


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_BYTES:
            raise HTTPException(413, f"A document has at most {MOST_BYTES} bytes.")
    return bytes(body)


def _answered(call: Call, answer: SegmentDone | SegmentFailed) -> Response:
    headers = {}
    if call.is_event:
        headers = {
            "ce-specversion": "1.0",
            "ce-id": f"{call.session}-answer",
            "ce-source": "/visavis",
            "ce-type": f"visavis.{type(answer).__name__}",
        }
    return Response(answer_body(answer, call.kind), status_of(answer), headers, call.kind)


def _problem(status: int, code: str, detail: str) -> Response:
    return Response(
        msgspec.json.encode({"code": code, "detail": detail}), status, media_type="application/problem+json"
    )
