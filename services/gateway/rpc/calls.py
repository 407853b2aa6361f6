"""How calls over gRPC are served, and how they fail: canonical codes, the rest in trailing metadata."""

from __future__ import annotations

from contextlib import suppress
from functools import wraps
from typing import TYPE_CHECKING, Any

import grpc

from services.gateway.access import tell_owner
from services.gateway.calls import Call, served
from services.gateway.full_traces import FULL_TRACE, carried, grant
from services.gateway.problems import RETRY_SECONDS, status_of
from shared.runtime.instruments import RPC_CALL

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from services.gateway.calls import Failure, Served
    from services.gateway.parts import Parts
    from shared.model.keys import Scope
    from shared.runtime.telemetry import Telemetry

    Method = Callable[..., Awaitable[Any]]
    Context = grpc.aio.ServicerContext[Any, Any]

_CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT, 401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED, 404: grpc.StatusCode.NOT_FOUND, 406: grpc.StatusCode.INVALID_ARGUMENT,
    408: grpc.StatusCode.DEADLINE_EXCEEDED, 410: grpc.StatusCode.ABORTED, 413: grpc.StatusCode.INVALID_ARGUMENT,
    415: grpc.StatusCode.INVALID_ARGUMENT, 422: grpc.StatusCode.INVALID_ARGUMENT,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED, 500: grpc.StatusCode.INTERNAL,
    503: grpc.StatusCode.UNAVAILABLE, 504: grpc.StatusCode.DEADLINE_EXCEEDED,
    507: grpc.StatusCode.RESOURCE_EXHAUSTED,
}  # fmt: skip
_ENDS = {"ok": "OK", "cancelled": "CANCELLED"}
_PUSHED_BACK = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED}
NEVER_SECONDS = -0.001
"""What is less than nothing tells clients of gRPC not to try again."""


def needs(service: str, scope: Scope) -> Callable[[Method], Any]:
    """Declares at a method of a service which scope a key must have for it, and serves it: the method is called with
    the request, the context and the Served once its caller is known, and what it raises ends the call."""

    def declared(method: Method) -> Any:
        @wraps(method)
        async def checked(servicer: Any, request: Any, context: Context) -> Any:
            parts: Parts = servicer.parts
            with suppress(ConnectionError):  # nobody is there who could be told
                async with serving(parts.telemetry, f"{service}/{method.__name__}", context) as about:
                    tell_trace(context, about)
                    about.caller = await parts.access.admit(_authorization(context), scope)
                    tell_owner(parts.telemetry, about.caller)
                    tell_trace(context, about, full=grant(_metadata(context), about.caller))
                    return await method(servicer, request, context, about)

        checked.scope = scope  # type: ignore[attr-defined]  # for whoever asks what is declared
        return checked

    return declared


def serving(telemetry: Telemetry, route: str, context: Context) -> AbstractAsyncContextManager[Served]:
    """Around a call's work. route: `<service>/<method>`."""

    async def refuse(failure: Failure, trace_id: str) -> None:
        await _abort(context, trace_id, failure)

    def attributes(code: str) -> dict[str, str | int]:
        return {"rpc.method": route, "rpc.response.status_code": status_name(code)}

    return served(telemetry, Call(route, RPC_CALL, attributes, carried(_metadata(context))), refuse)


def tell_trace(context: Context, about: Served, *, full: bool | None = None) -> None:
    """Have the trailing metadata name the trace where the call ends well. full: whether a full one was granted; None:
    nobody has asked."""
    told = () if full is None else ((FULL_TRACE, f"{full:d}"),)
    context.set_trailing_metadata((("visavis-trace-id", about.trace_id), *told))


def status_name(code: str) -> str:
    """The canonical code's name of how a call ended, by the words of `served`."""
    return _ENDS[code] if code in _ENDS else code_of(code).name


def code_of(code: str) -> grpc.StatusCode:
    """The canonical code of a problem's word."""
    if code == "no-room":
        return grpc.StatusCode.RESOURCE_EXHAUSTED
    return _CODES.get(status_of(code), grpc.StatusCode.INVALID_ARGUMENT)


def _authorization(context: Context) -> str:
    return _metadata(context).get("authorization", "")


def _metadata(context: Context) -> dict[str, str]:
    return {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}


async def _abort(context: Context, trace_id: str, failure: Failure) -> None:
    """End the call with the canonical code; never returns."""
    metadata = [("visavis-trace-id", trace_id), ("visavis-code", failure.code)]
    told = context.trailing_metadata() or ()
    metadata += [(name, value) for name, value in told if name == FULL_TRACE and isinstance(value, str)]
    status = code_of(failure.code)
    if status in _PUSHED_BACK:
        helps = failure.code != "quota-exceeded" or failure.retry_seconds
        seconds = failure.retry_seconds or (RETRY_SECONDS if helps else NEVER_SECONDS)
        metadata.append(("grpc-retry-pushback-ms", f"{seconds * 1000:.0f}"))
    await context.abort(status, failure.detail, tuple(metadata))
