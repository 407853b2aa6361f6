"""Around every call that is no plain HTTP request: one span, one log line, one count, and an answer to every error."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from services.gateway.access import ANYBODY, Caller
from services.gateway.problems import Refusal, retry_seconds, status_of
from services.gateway.requests import count_request
from shared.model.errors import Rejected, Unavailable
from shared.runtime.logs import log
from shared.runtime.telemetry import OWNER_ATTRIBUTE, mark_failed, trace_id_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from shared.runtime.instruments import Instrument
    from shared.runtime.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class Failure:
    """What the caller is told."""

    code: str
    """The stable word."""
    detail: str
    """One sentence."""
    retry_seconds: float = 0.0
    """When to come back; 0: that would not help."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call as it came."""

    route: str
    """A template, never what the client chose."""
    instrument: Instrument
    """What measures calls of its kind."""
    attributes: Callable[[str], Mapping[str, str | int]]
    """What the measurement says of a call, by how it ended: `ok`, `cancelled` or the stable word of its failure."""
    carried: Mapping[str, str]
    """Headers, W3C trace context among them."""


@dataclass(slots=True)
class Served:
    """A call that is being served."""

    trace_id: str
    caller: Caller = ANYBODY
    """Set when it is known whose call it is."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What the log line says besides."""


@asynccontextmanager
async def served(
    telemetry: Telemetry, call: Call, refuse: Callable[[Failure, str], Awaitable[None]]
) -> AsyncIterator[Served]:
    """Around the work on a call. refuse: ends the call; it is given the failure and the trace's id.

    A call whose client is gone (ConnectionError or a cancellation) is told nothing.
    """
    started, code = time.perf_counter(), "internal"
    with telemetry.span(call.route, call.carried, "server") as span:
        about = Served(trace_id_of(span))
        try:
            yield about
            code = "ok"
        except (Rejected, Refusal) as error:
            code = error.code
            await refuse(Failure(code, error.detail, retry_seconds(error)), about.trace_id)
        except Unavailable as error:
            code = "unavailable"
            await refuse(Failure(code, str(error), retry_seconds(error)), about.trace_id)
        except (asyncio.CancelledError, ConnectionError):
            code = "cancelled"
            raise
        except Exception:  # noqa: BLE001  -- the protocol would tell the client the words of the bug
            log.exception("unexpected")
            detail = "Something broke on our side; the trace id leads to the log."
            await refuse(Failure(code, detail), about.trace_id)
        finally:
            if owner := about.caller.owner:
                span.set_attribute(OWNER_ATTRIBUTE, owner)
                about.facts["owner"] = owner
            if status_of(code) >= 500:
                mark_failed(span, code)
            took_ms = count_request(telemetry, call.instrument, call.attributes(code), started)
            took_ns = round(took_ms * 1e6)
            log.info("request", route=call.route, outcome=code, duration_ns=took_ns, **about.facts)
