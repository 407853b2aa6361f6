"""Around every request: one span, one log line, one count. Named after the route, never after the path."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from services.gateway.access import Caller
from services.gateway.full_traces import FULL_TRACE, carried
from services.gateway.names import is_name
from shared.runtime.instruments import HTTP_REQUEST
from shared.runtime.logs import log
from shared.runtime.telemetry import OWNER_ATTRIBUTE, mark_failed, trace_id_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from shared.runtime.instruments import Instrument
    from shared.runtime.telemetry import Telemetry

TRACE_HEADER = "X-Visavis-Trace-Id"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_QUIET = frozenset({"/healthz", "/livez", "/readyz", "/metrics"})
_QUIET_BRANCHES = ("/v1/traces", "/traces")
"""Asked by those who watch: no span and no line, only a count, or they would see but themselves."""


def count_request(
    telemetry: Telemetry, instrument: Instrument, attributes: Mapping[str, str | int], started: float
) -> float:
    """Count a request that began at `started` (perf_counter) and ends now; answers how long it took, milliseconds."""
    seconds = time.perf_counter() - started
    telemetry.metrics.histogram(instrument).record(seconds, attributes)
    return round(seconds * 1000, 2)


class AroundRequests:
    """ASGI middleware. A plain one: it adds no task and copies no body."""

    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        self._app = app
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":  # `sockets` does for its own what is done here
            await self._app(scope, receive, send)
            return
        seen = _Seen(scope, send)
        if _is_quiet(scope["path"]):  # decides about noise only
            await self._counted(seen, receive)
            return
        with self._telemetry.span(seen.method, propagated(scope), "server") as span:
            scope.setdefault("state", {})["trace_id"] = seen.trace_id = trace_id_of(span)
            try:
                await self._counted(seen, receive, logged=True)
            finally:
                span.update_name(f"{seen.method} {seen.route}")
                span.set_attributes(seen.attributes | ({OWNER_ATTRIBUTE: seen.owner} if seen.owner else {}))
                if seen.status >= 500:
                    mark_failed(span, str(seen.scope["state"].get("problem", seen.status)))

    async def _counted(self, seen: _Seen, receive: Receive, *, logged: bool = False) -> None:
        started = time.perf_counter()
        try:
            await self._app(seen.scope, receive, seen.send)
        finally:
            took_ms = count_request(self._telemetry, HTTP_REQUEST, seen.attributes, started)
            if logged:
                said = {"problem": seen.scope.get("state", {}).get("problem"), "owner": seen.owner}
                facts: dict[str, Any] = {name: one for name, one in said.items() if one}
                facts |= seen.ids | {"duration_ns": round(took_ms * 1e6)}
                log.info("request", route=seen.route, method=seen.method, status=seen.status, **facts)


class _Seen:
    """What is to be said of a request."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.scope = scope
        self.method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        self.status = 500
        self.trace_id = ""
        self._send = send

    @property
    def route(self) -> str:
        """The route's template; known when the request was routed."""
        return getattr(self.scope.get("route"), "path", "unmatched")

    @property
    def attributes(self) -> dict[str, str | int]:
        """What span and metric say of it, by OpenTelemetry's conventions."""
        return {
            "http.request.method": self.method,
            "http.route": self.route,
            "http.response.status_code": self.status,
        }

    @property
    def ids(self) -> dict[str, str]:
        """The job or the stream that it names or has begun."""
        said = {**self.scope.get("path_params", {}), **self.scope.get("state", {})}
        return {what: said[what] for what in ("job", "stream") if is_name(str(said.get(what, "")))}

    @property
    def owner(self) -> str:
        """The prefix of the key that it came with; known when the key was seen, empty where none is asked for."""
        caller = self.scope.get("state", {}).get("caller")
        return caller.owner if isinstance(caller, Caller) else ""

    async def send(self, message: Message) -> None:
        """Send on, with the trace's id."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if self.trace_id:
                trace = (TRACE_HEADER.lower().encode(), self.trace_id.encode())
                message["headers"] = [*message["headers"], trace, (b"x-content-type-options", b"nosniff")]
            if (full := self.scope.get("state", {}).get("full_trace")) is not None:
                message["headers"].append((FULL_TRACE.encode(), b"1" if full else b"0"))
        await self._send(message)


def _is_quiet(path: str) -> bool:
    return path in _QUIET or any(path == one or path.startswith(f"{one}/") for one in _QUIET_BRANCHES)


def propagated(scope: Scope) -> dict[str, str]:
    """W3C trace context of the caller."""
    return carried({name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]})
