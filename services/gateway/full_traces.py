"""One request with spans for every frame: asked for by a header, and granted to any caller, some a minute."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.runtime.telemetry import ask_for_every_frame, carried_by, is_traced

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.gateway.access import Caller

FULL_TRACE = "x-visavis-trace"
"""`1` asks for it; an answer (over gRPC: its trailing metadata) says 1 if it was granted, 0 if the caller has had
too many. A WebSocket says nothing: its answer goes out before the key is looked at."""


def carried(headers: Mapping[str, str]) -> dict[str, str]:
    """W3C trace context of a caller, whose span is made in any case where a full trace is asked for."""
    return carried_by(headers, sampled=is_asked(headers))


def is_asked(headers: Mapping[str, str]) -> bool:
    """Whether a full trace is asked for. headers: their names in lower case, or in any where the mapping knows."""
    return headers.get(FULL_TRACE, "").strip() == "1"


def grant(headers: Mapping[str, str], caller: Caller) -> bool | None:
    """From here on the current trace is a full one, if that is asked for and the caller may.

    None: it is not asked for, or this is a request that has no trace, and nothing of the caller's is used up.
    """
    if not is_asked(headers) or not is_traced():
        return None
    granted = caller.quota.take_full_trace()
    if granted:
        ask_for_every_frame()
    return granted
