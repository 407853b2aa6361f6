"""A telemetry that keeps what it would send."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from shared.runtime.settings import ServiceSettings
from shared.runtime.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry.proto.trace.v1.trace_pb2 import Span


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> ServiceSettings:
    for name in [f"OTEL_EXPORTER_OTLP_{what}ENDPOINT" for what in ("", "TRACES_", "METRICS_")]:
        monkeypatch.delenv(name, raising=False)
    return ServiceSettings(lane="test", worker="7")


@pytest.fixture
def sent() -> list[bytes]:
    """What went out, as OTLP."""
    return []


@pytest.fixture
def telemetry(settings: ServiceSettings, sent: list[bytes]) -> Iterator[Telemetry]:
    telemetry = Telemetry("detect", settings, sent.append)
    yield telemetry
    telemetry.close()


@pytest.fixture
def spans(telemetry: Telemetry, sent: list[bytes]) -> Callable[[], list[Span]]:
    """All spans that have ended, by their start."""

    def read() -> list[Span]:
        telemetry._provider.force_flush(2000)
        requests = [ExportTraceServiceRequest.FromString(body) for body in sent]
        scopes = [scope for one in requests for resource in one.resource_spans for scope in resource.scope_spans]
        found = [span for scope in scopes for span in scope.spans]
        return sorted(found, key=lambda span: span.start_time_unix_nano)

    return read
