"""Logs: JSON lines to stdout, fields by the Elastic Common Schema. The one door to structlog.

What ECS has no name for stands under `visavis.`; docs/logs.md lists all fields, decision 0063 says why these.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import traceback
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import structlog
from opentelemetry import trace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from structlog.typing import EventDict, Processor

    from shared.runtime.settings import ServiceSettings

ECS_VERSION = "8.11.0"
OWN = "visavis."
ECS = {
    "@timestamp": "@timestamp",
    "level": "log.level",
    "event": "message",
    "logger": "log.logger",
    "error": "error.type",
    "code": "error.code",
    "method": "http.request.method",
    "status": "http.response.status_code",
    "duration_ns": "event.duration",
    "trace_id": "trace.id",
    "span_id": "span.id",
}
"""Our words in ECS, in the order in which a line has them; what has a dot is ECS already, all else is our own."""
IDS = ("session", "job", "segment", "stream")
"""What a line can be about."""
LONGEST_STACK = 16_384
"""Characters of a stack trace; the first ones are left out."""

log = structlog.stdlib.get_logger()


@contextmanager
def about(**ids: str | None) -> Iterator[None]:
    """Every line from within, and from tasks begun there, carries these ids, of `IDS`."""
    with structlog.contextvars.bound_contextvars(**_known(ids)):
        yield


def now_about(message: object = None, **ids: str | None) -> None:
    """From here on the lines of this task carry these ids and those that `message` has as fields, and no others."""
    structlog.contextvars.clear_contextvars()
    found = {name: getattr(message, name, None) for name in IDS}
    structlog.contextvars.bind_contextvars(**_known(found | ids))


def set_up_logging(service: str, settings: ServiceSettings) -> None:
    """One line of JSON on stdout for whatever the process and its libraries log, warn of, or die of."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", key="@timestamp"),
        _with_trace,
        _with_failure,
    ]
    foreign = [*shared, structlog.stdlib.add_logger_name]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    rendering: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        _InEcs(service, settings),
        structlog.processors.JSONRenderer(),
    ]
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=rendering, foreign_pre_chain=foreign))
    logging.basicConfig(handlers=[handler], level=max(level, logging.INFO), force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    sys.excepthook = _say_last
    threading.excepthook = _say_of_thread


def _known(ids: Mapping[str, Any]) -> dict[str, Any]:
    return {name: ids[name] for name in IDS if ids.get(name) not in (None, "")}


class _InEcs:
    """Names the fields of a line, and says who says it."""

    def __init__(self, service: str, settings: ServiceSettings) -> None:
        self._who = {
            "ecs.version": ECS_VERSION,
            "service.name": f"visavis-{service}",
            "service.version": version("visavis"),
            "service.node.name": f"{settings.lane}/{settings.worker}",
            "process.pid": os.getpid(),
            f"{OWN}lane": settings.lane,
            f"{OWN}worker": settings.worker,
        }

    def __call__(self, _: object, __: str, event: EventDict) -> EventDict:
        """The line as it is written."""
        named = {ours: event.pop(word) for word, ours in ECS.items() if word in event}
        own = {word if "." in word else f"{OWN}{word}": value for word, value in event.items()}
        return {**named, **self._who, **own}


def _with_trace(_: object, __: str, event: EventDict) -> EventDict:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
        event["span_id"] = trace.format_span_id(context.span_id)
    return event


def _with_failure(_: object, __: str, event: EventDict) -> EventDict:
    """An exception as ECS tells it: its class, its words, and where."""
    given = event.pop("exc_info", None)
    if isinstance(given, BaseException):
        error: BaseException | None = given
    else:
        error = (given if isinstance(given, tuple) else sys.exc_info())[1] if given else None
    if error is not None:
        event["error"] = type(error).__name__
        event["error.message"] = str(error)
        event["error.stack_trace"] = "".join(traceback.format_exception(error))[-LONGEST_STACK:]
    return event


def _say_last(_: object, error: BaseException, __: object) -> None:
    log.critical("ended by what nobody foresaw", exc_info=error)


def _say_of_thread(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_value is not None:
        log.error("a thread ended by what nobody foresaw", exc_info=ended.exc_value)
