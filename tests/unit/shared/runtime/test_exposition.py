from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics.export import HistogramDataPoint, NumberDataPoint
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_open_metrics
from prometheus_client.parser import text_string_to_metric_families as read_plain

from shared.runtime.exposition import Exposition
from shared.runtime.instruments import Instrument
from tests.scrapes import OPEN_METRICS

if TYPE_CHECKING:
    from collections.abc import Sequence

TOOK = Instrument("test.took", "histogram", "s", "How long.", ("what.kind",), (0.1, 1))
DONE = Instrument("test.done", "counter", "{thing}", "How many.")
FREE = Instrument("test.free", "gauge", "1", "How much.")
TRACE, SPAN = 0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331


def times(counts: Sequence[int], *exemplars: Exemplar) -> HistogramDataPoint:
    return HistogramDataPoint({"what.kind": 'a "b"'}, 0, 0, sum(counts), 2.5, tuple(counts), (0.1, 1), 0, 2, exemplars)


def number(value: float, *exemplars: Exemplar) -> NumberDataPoint:
    return NumberDataPoint({}, 0, 0, value, exemplars)


@pytest.fixture
def exposition() -> Exposition:
    return Exposition({"service": "detect", "lane": "l1"})


def test_who_asks_for_open_metrics_gets_it_and_others_the_plain_text(exposition: Exposition) -> None:
    points = {DONE: [number(3)], FREE: [number(0.25)]}
    text, kind = exposition.written(points, f"text/html, {OPEN_METRICS}; q=0.5, */*;q=0.1")
    assert kind.startswith("application/openmetrics-text; version=1.0.0")
    assert text.endswith(b"# EOF\n")
    plain, plain_kind = exposition.written(points, "*/*")
    assert plain_kind.startswith("text/plain; version=0.0.4")
    assert [one.name for one in read_plain(plain.decode())] == ["test_done", "test_free_ratio"]


def test_every_series_has_the_constant_labels_and_units_are_said(exposition: Exposition) -> None:
    text, _ = exposition.written({TOOK: [times((2, 1, 1))], FREE: [number(0.25)]}, OPEN_METRICS)
    families = {one.name: one for one in read_open_metrics(text.decode())}
    assert (families["test_took_seconds"].unit, families["test_free_ratio"].unit) == ("seconds", "ratio")
    series = [sample for one in families.values() for sample in one.samples]
    assert all((one.labels["service"], one.labels["lane"]) == ("detect", "l1") for one in series)


def test_buckets_add_up(exposition: Exposition) -> None:
    text, _ = exposition.written({TOOK: [times((2, 1, 1))]}, OPEN_METRICS)
    (family,) = read_open_metrics(text.decode())
    buckets = {one.labels["le"]: one.value for one in family.samples if one.name.endswith("_bucket")}
    assert buckets == {"0.1": 2, "1.0": 3, "+Inf": 4}
    rest = {one.name: one.value for one in family.samples if not one.name.endswith("_bucket")}
    assert rest == {"test_took_seconds_count": 4, "test_took_seconds_sum": 2.5}
    assert {one.labels["what_kind"] for one in family.samples} == {'a "b"'}


def test_a_bucket_keeps_its_last_exemplar_until_there_is_another(exposition: Exposition) -> None:
    slow = Exemplar({}, 0.7, 1_700_000_000_500_000_000, SPAN, TRACE)
    exposition.written({TOOK: [times((0, 1, 0), slow)], DONE: [number(1, slow)]}, "")
    text, _ = exposition.written({TOOK: [times((0, 1, 0))], DONE: [number(1)]}, OPEN_METRICS)
    found = [one for family in read_open_metrics(text.decode()) for one in family.samples if one.exemplar]
    assert [(one.name, one.labels.get("le")) for one in found] == [
        ("test_took_seconds_bucket", "1.0"),
        ("test_done_total", None),
    ]
    exemplar = found[0].exemplar
    assert exemplar is not None
    assert exemplar.labels == {"trace_id": f"{TRACE:032x}", "span_id": f"{SPAN:016x}"}
    assert (exemplar.value, float(exemplar.timestamp or 0)) == (0.7, 1_700_000_000.5)


def test_what_was_measured_outside_of_traces_is_no_exemplar(exposition: Exposition) -> None:
    text, _ = exposition.written({TOOK: [times((0, 1, 0), Exemplar({}, 0.7, 1))]}, OPEN_METRICS)
    assert b" # {" not in text
