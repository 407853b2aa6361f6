"""Meters: the one door to OpenTelemetry's metrics.

They are asked for over HTTP (`/metrics`), and go to the collector too where one is named.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    InMemoryMetricReader,
    MetricReader,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import Resource

from shared.runtime import vitals
from shared.runtime.exposition import Exposition
from shared.runtime.instruments import (
    INSTRUMENTS,
    PROCESS_CPU,
    PROCESS_FILES,
    PROCESS_MEMORY,
    PROCESS_THREADS,
    Instrument,
)
from shared.runtime.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from opentelemetry.metrics import CallbackOptions, Counter, Histogram
    from opentelemetry.sdk.metrics.export import Metric, MetricExportResult, ScopeMetrics

    from shared.runtime.settings import ServiceSettings

    Observe = Callable[[], Iterable[tuple[float, Mapping[str, str]]]]

SCOPE = "visavis"
CLOSE_SECONDS = 1.0
"""A collector that does not answer is not waited for any longer when the process ends."""
_BY_NAME = {one.name: one for one in INSTRUMENTS}


class Metrics:
    """What one process measures."""

    def __init__(self, service: str, settings: ServiceSettings) -> None:
        self.resource = _resource(service, settings)
        self._reader = InMemoryMetricReader()
        readers: list[MetricReader] = [self._reader]
        if settings.otlp_metrics_endpoint and settings.otlp_metrics:
            readers.append(PeriodicExportingMetricReader(_Exporter(self._tallied)))
        self._provider = MeterProvider(metric_readers=readers, resource=self.resource, shutdown_on_exit=False)
        self._meter = self._provider.get_meter(SCOPE)
        self._made: dict[Instrument, Any] = {}
        self._tallies: dict[Instrument, Tally] = {}
        self._watched: dict[Instrument, list[Observe]] = {}
        self._shown: dict[Instrument, tuple[tuple[float, Mapping[str, str]], ...]] = {}
        self._exposition = Exposition({"service": service, "lane": settings.lane, "worker": settings.worker})
        for instrument, observe in _VITALS.items():
            self.watch(instrument, observe)

    def counter(self, instrument: Instrument) -> Counter:
        """What counts up: `add(amount, attributes)`, from any thread."""
        if instrument not in self._made:
            made = self._meter.create_counter(instrument.name, instrument.unit, instrument.description)
            self._made[instrument] = made
        counter: Counter = self._made[instrument]
        return counter

    def histogram(self, instrument: Instrument) -> Histogram:
        """What takes single values: `record(value, attributes)`, from any thread."""
        if instrument not in self._made:
            self._made[instrument] = self._meter.create_histogram(
                instrument.name,
                instrument.unit,
                instrument.description,
                explicit_bucket_boundaries_advisory=instrument.boundaries,
            )
        histogram: Histogram = self._made[instrument]
        return histogram

    def tally(self, instrument: Instrument) -> Tally:
        """What takes values that many share: `record(value, count, attributes)`, from any thread."""
        return self._tallies.setdefault(instrument, Tally(instrument))

    def watch(self, instrument: Instrument, observe: Observe) -> None:
        """Have what can be read at any time asked for when metrics are.

        observe: gives values with their attributes at once, in any thread; a series that it does not give is not there.
        """
        watched = self._watched.setdefault(instrument, [])
        watched.append(observe)
        if len(watched) > 1:
            return

        def observations(_: CallbackOptions) -> Iterator[Observation]:
            for one in watched:
                for value, attributes in one():
                    yield Observation(value, attributes)

        create = {
            "counter": self._meter.create_observable_counter,
            "gauge": self._meter.create_observable_gauge,
            "level": self._meter.create_observable_up_down_counter,
        }[instrument.kind]
        create(instrument.name, [observations], instrument.unit, instrument.description)

    def show(self, instrument: Instrument, values: Iterable[tuple[float, Mapping[str, str]]]) -> None:
        """What a gauge is now, told by the thread that knows it: so it stays until it is shown anew. None: gone."""
        if instrument not in self._shown:
            self.watch(instrument, lambda: self._shown[instrument])
        self._shown[instrument] = tuple(values)

    def exposition(self, accept: str = "") -> tuple[bytes, str]:
        """All that is measured now for Prometheus, and its content type. accept: the header of who asks."""
        data = self._reader.get_metrics_data()
        scopes = [scope for one in (data.resource_metrics if data else ()) for scope in one.scope_metrics]
        metrics = [*(one for scope in scopes for one in scope.metrics), *self._tallied(0)]
        found = {one.name: one.data.data_points for one in metrics}
        points = {_BY_NAME[name]: of_name for name, of_name in found.items() if name in _BY_NAME}
        return self._exposition.written(points, accept)

    def _tallied(self, since_ns: int) -> list[Metric]:
        """What was tallied, with exemplars from then on."""
        found = [one.metric(since_ns) for one in tuple(self._tallies.values())]
        return [one for one in found if one is not None]

    def close(self) -> None:
        """Send the last to the collector, if there is one that answers."""
        self._provider.shutdown(timeout_millis=CLOSE_SECONDS * 1000)


class _Exporter(OTLPMetricExporter):
    """Sends what was tallied with what meters have."""

    def __init__(self, tallied: Callable[[int], list[Metric]]) -> None:
        super().__init__()
        self._tallied = tallied
        self._since_ns = 0

    def export(self, metrics_data: MetricsData, timeout_millis: float | None = 10_000, **_: Any) -> MetricExportResult:
        """Send all of it."""
        since_ns, self._since_ns = self._since_ns, time.time_ns()
        more = self._tallied(since_ns)
        whole = [
            replace(one, scope_metrics=[_with(scope, more) for scope in one.scope_metrics])
            for one in metrics_data.resource_metrics
        ]
        return super().export(MetricsData(whole), timeout_millis)


def _with(scope: ScopeMetrics, more: list[Metric]) -> ScopeMetrics:
    """What our meters have, with more of it; what others have as it is."""
    return replace(scope, metrics=[*scope.metrics, *more]) if scope.scope.name == SCOPE else scope


_VITALS: dict[Instrument, Observe] = {
    PROCESS_CPU: vitals.cpu,
    PROCESS_MEMORY: vitals.memory,
    PROCESS_THREADS: vitals.threads,
    PROCESS_FILES: vitals.files,
}


def _resource(service: str, settings: ServiceSettings) -> Resource:
    return Resource.create(
        {
            "service.name": f"visavis-{service}",
            "service.instance.id": f"{settings.lane}/{settings.worker}",
            "visavis.lane": settings.lane,
            "visavis.worker": settings.worker,
        }
    )
