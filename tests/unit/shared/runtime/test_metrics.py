from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from shared.runtime.instruments import HOP_WAITED, HOP_WORKED, MESSAGES, Instrument
from shared.runtime.metrics import CLOSE_SECONDS, Metrics
from shared.runtime.settings import ServiceSettings
from shared.runtime.telemetry import Telemetry, trace_id_of
from tests.collecting import Collector, collecting
from tests.scrapes import samples, value

if TYPE_CHECKING:
    from collections.abc import Iterator

FREE = Instrument("test.free", "gauge", "1", "How much.", ("where",))


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


def test_a_process_says_who_it_is_and_what_it_takes(metrics: Metrics) -> None:
    (memory,) = samples(metrics, "process_memory_usage_bytes")
    assert memory.labels == {"service": "detect", "lane": "test", "worker": "7"}
    assert memory.value > 1 << 20
    assert value(metrics, "process_cpu_time_seconds_total") > 0
    assert min(value(metrics, f"process_{what}_count") for what in ("thread", "unix_file_descriptor")) >= 1


def test_counters_add_up_and_histograms_have_their_own_buckets(metrics: Metrics) -> None:
    for outcome in ("done", "done", "late"):
        metrics.counter(MESSAGES).add(1, {"outcome": outcome})
    metrics.histogram(HOP_WAITED).record(0.003, {"hop": "detect"})
    assert value(metrics, "visavis_messages_total", outcome="done") == 2
    buckets = [one.labels["le"] for one in samples(metrics, "visavis_hop_waited_seconds_bucket")]
    assert buckets == [*map(str, map(float, HOP_WAITED.boundaries)), "+Inf"]


def test_what_is_watched_is_read_when_it_is_asked_for(metrics: Metrics, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.runtime.metrics._BY_NAME", {FREE.name: FREE})
    free = {"host": 1.0, "card": 0.5}
    metrics.watch(FREE, lambda: [(free["host"], {"where": "host"})])
    metrics.watch(FREE, lambda: [(free["card"], {"where": "card"})] if "card" in free else [])
    assert [one.value for one in samples(metrics, "test_free_ratio")] == [1.0, 0.5]
    del free["card"]
    free["host"] = 0.25
    assert [(one.labels["where"], one.value) for one in samples(metrics, "test_free_ratio")] == [("host", 0.25)]


def test_what_is_shown_stays_until_it_is_shown_anew(metrics: Metrics, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.runtime.metrics._BY_NAME", {FREE.name: FREE})
    metrics.show(FREE, [(0.5, {"where": "host"}), (1, {"where": "card"})])
    assert [[one.value for one in samples(metrics, "test_free_ratio")] for _ in range(2)] == [[0.5, 1], [0.5, 1]]
    metrics.show(FREE, [(0.25, {"where": "host"})])
    assert [(one.labels["where"], one.value) for one in samples(metrics, "test_free_ratio")] == [("host", 0.25)]
    metrics.show(FREE, [])
    assert not samples(metrics, "test_free_ratio")


def test_a_slow_one_names_its_trace(settings: ServiceSettings) -> None:
    telemetry = Telemetry("detect", settings, lambda _: None)
    with telemetry.span("request") as span:
        telemetry.metrics.histogram(HOP_WAITED).record(0.7, {"hop": "detect"})
    found = [one for one in samples(telemetry.metrics, "visavis_hop_waited_seconds_bucket") if one.exemplar]
    telemetry.close()
    assert [(one.labels["le"], one.exemplar and one.exemplar.labels["trace_id"]) for one in found] == [
        ("1.0", trace_id_of(span))
    ]


def told(settings: ServiceSettings, **changed: object) -> None:
    """A process that counts something and ends."""
    metrics = Metrics("detect", settings.model_copy(update=changed))
    metrics.counter(MESSAGES).add(3, {"outcome": "done"})
    metrics.tally(HOP_WORKED).record(0.25, 4, {"hop": "detect"})
    metrics.close()


def test_a_collector_gets_the_same(
    settings: ServiceSettings, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    told(settings, otlp_metrics_endpoint=collector.url)
    ((path, body),) = collector.received
    (resource,) = ExportMetricsServiceRequest.FromString(body).resource_metrics
    named = {one.key: one.value.string_value for one in resource.resource.attributes}
    assert path == "/v1/metrics"
    assert (named["service.name"], named["visavis.lane"], named["visavis.worker"]) == ("visavis-detect", "test", "7")
    found = {one.name: one for scope in resource.scope_metrics for one in scope.metrics}
    counted = found["visavis.messages"].sum.data_points
    assert [(one.as_int, one.attributes[0].value.string_value) for one in counted] == [(3, "done")]
    assert [(one.count, one.sum) for one in found["visavis.hop.worked"].histogram.data_points] == [(4, 1.0)]


def test_a_collector_gets_none_where_that_is_switched_off(settings: ServiceSettings, collector: Collector) -> None:
    told(settings, otlp_metrics_endpoint=collector.url, otlp_metrics=False)
    assert not collector.received


def test_a_collector_that_never_answers_does_not_keep_a_process(
    settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "600")
        ended = threading.Event()

        def run() -> None:
            told(settings, otlp_metrics_endpoint=url)
            ended.set()

        started = time.monotonic()
        threading.Thread(target=run, daemon=True).start()
        assert ended.wait(60 + CLOSE_SECONDS), time.monotonic() - started
