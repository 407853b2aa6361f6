"""How calls over gRPC are served, and how they fail: canonical codes, the rest in trailing metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc

from services.gateway.calls import Call, served
from services.gateway.problems import RETRY_SECONDS, status_of

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from services.gateway.calls import Failure, Served
    from shared.runtime.telemetry import Telemetry

    Context = grpc.aio.ServicerContext[Any, Any]

_CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT, 404: grpc.StatusCode.NOT_FOUND, 406: grpc.StatusCode.INVALID_ARGUMENT,
    408: grpc.StatusCode.DEADLINE_EXCEEDED, 410: grpc.StatusCode.ABORTED, 413: grpc.StatusCode.INVALID_ARGUMENT,
    415: grpc.StatusCode.INVALID_ARGUMENT, 422: grpc.StatusCode.INVALID_ARGUMENT, 500: grpc.StatusCode.INTERNAL,
    503: grpc.StatusCode.UNAVAILABLE, 504: grpc.StatusCode.DEADLINE_EXCEEDED,
    507: grpc.StatusCode.RESOURCE_EXHAUSTED,
}  # fmt: skip
_PUSHED_BACK = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED}


def serving(telemetry: Telemetry, route: str, context: Context) -> AbstractAsyncContextManager[Served]:
    """Around a call's work. route: `<service>/<method>`."""
    carried = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}

    async def refuse(failure: Failure, trace_id: str) -> None:
        await _abort(context, trace_id, failure)

    return served(telemetry, Call("grpc", route, "RPC", carried), refuse)


def tell_trace(context: Context, about: Served) -> None:
    """Have the trailing metadata name the trace where the call ends well."""
    context.set_trailing_metadata((("visavis-trace-id", about.trace_id),))


def code_of(code: str) -> grpc.StatusCode:
    """The canonical code of a problem's word."""
    if code == "no-room":
        return grpc.StatusCode.RESOURCE_EXHAUSTED
    return _CODES.get(status_of(code), grpc.StatusCode.INVALID_ARGUMENT)


async def _abort(context: Context, trace_id: str, failure: Failure) -> None:
    """End the call with the canonical code; never returns."""
    metadata = [("visavis-trace-id", trace_id), ("visavis-code", failure.code)]
    status = code_of(failure.code)
    if status in _PUSHED_BACK:
        seconds = failure.retry_seconds or RETRY_SECONDS
        metadata.append(("grpc-retry-pushback-ms", f"{seconds * 1000:.0f}"))
    await context.abort(status, failure.detail, tuple(metadata))
