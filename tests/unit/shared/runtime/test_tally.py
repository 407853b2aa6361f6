from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.metrics.export import Histogram

from shared.runtime.instruments import Instrument
from shared.runtime.tally import Tally
from shared.runtime.telemetry import trace_id_of

if TYPE_CHECKING:
    from shared.runtime.telemetry import Telemetry

TOOK = Instrument("test.took", "histogram", "s", "How long.", ("hop",), (0.1, 1))


def points(tally: Tally, since_ns: int = 0) -> list[Any]:
    metric = tally.metric(since_ns)
    assert metric is not None
    assert (metric.name, metric.unit, metric.description) == ("test.took", "s", "How long.")
    assert isinstance(metric.data, Histogram)
    return list(metric.data.data_points)


def test_nothing_is_told_before_there_is_something() -> None:
    assert Tally(TOOK).metric() is None


def test_all_that_share_a_value_count() -> None:
    tally = Tally(TOOK)
    tally.record(0.05, 8, {"hop": "detect"})
    tally.record(0.1, 2, {"hop": "detect"})
    tally.record(7, 1, {"hop": "detect"})
    tally.record(0.5, 3, {"hop": "render"})
    detect, render = points(tally)
    assert (detect.attributes, detect.count, detect.bucket_counts) == ({"hop": "detect"}, 11, (10, 0, 1))
    assert (detect.sum, detect.min, detect.max) == (pytest.approx(7.6), 0.05, 7)
    assert (render.attributes, render.bucket_counts) == ({"hop": "render"}, (0, 3, 0))


def test_each_bucket_names_the_last_sampled_trace(telemetry: Telemetry) -> None:
    tally = Tally(TOOK)
    traces = []
    for value in (0.5, 0.7, 0.01):
        with telemetry.span("request", {}) as span:
            tally.record(value, 4, {"hop": "detect"})
            traces.append(int(trace_id_of(span), 16))
    tally.record(0.8, 1, {"hop": "detect"})
    [detect] = points(tally)
    assert {one.value: one.trace_id for one in detect.exemplars} == {0.7: traces[1], 0.01: traces[2]}


def test_exemplars_are_told_from_some_time_on(telemetry: Telemetry) -> None:
    tally = Tally(TOOK)
    with telemetry.span("request"):
        tally.record(0.5, 1, {"hop": "detect"})
    [detect] = points(tally, since_ns=time.time_ns() + 1)
    assert (detect.count, list(detect.exemplars)) == (1, [])
