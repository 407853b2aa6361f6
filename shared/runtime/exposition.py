"""What was measured, as Prometheus reads it: OpenTelemetry's points become prometheus_client's families.

OpenTelemetry's own exporter for Prometheus leaves exemplars out (decision 0058).
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from opentelemetry.sdk.metrics import export as otel
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.samples import Exemplar
from prometheus_client.utils import floatToGoString

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from prometheus_client.core import Metric

    from shared.runtime.instruments import Instrument

    Point = otel.NumberDataPoint | otel.HistogramDataPoint | otel.ExponentialHistogramDataPoint
    Points = Mapping[Instrument, Sequence[Point]]

_NS = 1_000_000_000


class Exposition:
    """Writes points, and remembers each bucket's last exemplar, which OpenTelemetry gives once."""

    def __init__(self, constant: Mapping[str, str]) -> None:
        """constant: labels that every series has."""
        self._constant = dict(constant)
        self._exemplars: dict[tuple[str, tuple[str, ...], int], Exemplar] = {}

    def written(self, points: Points, accept: str) -> tuple[bytes, str]:
        """The text and its content type: OpenMetrics, with exemplars, where the header Accept asks for it."""
        encode, content_type = choose_encoder(accept)
        return encode(_Collected([self._family(one, found) for one, found in points.items()])), content_type

    def _family(self, instrument: Instrument, points: Iterable[Point]) -> Metric:
        labels = [*self._constant, *(one.replace(".", "_") for one in instrument.attributes)]
        make = _FAMILIES[instrument.kind]
        family: Metric = make(instrument.family, instrument.description, labels=labels, unit=instrument.suffix)
        for point in points:
            values = [*self._constant.values(), *_values(instrument, point)]
            self._add(family, instrument, point, values)
        return family

    def _add(self, family: Metric, instrument: Instrument, point: Point, values: list[str]) -> None:
        if isinstance(family, HistogramMetricFamily) and isinstance(point, otel.HistogramDataPoint):
            family.add_metric(values, self._buckets(instrument, point, values), point.sum)
        elif isinstance(family, CounterMetricFamily) and isinstance(point, otel.NumberDataPoint):
            self._keep(instrument, point, values, ())
            family.add_metric(values, point.value, exemplar=self._exemplars.get((instrument.name, tuple(values), 0)))
        elif isinstance(family, GaugeMetricFamily) and isinstance(point, otel.NumberDataPoint):
            family.add_metric(values, point.value)

    def _buckets(
        self, instrument: Instrument, point: otel.HistogramDataPoint, values: list[str]
    ) -> Sequence[tuple[str, float] | tuple[str, float, Exemplar]]:
        self._keep(instrument, point, values, point.explicit_bounds)
        found: list[tuple[str, float] | tuple[str, float, Exemplar]] = []
        total = 0
        ends = [*map(floatToGoString, point.explicit_bounds), "+Inf"]
        for number, (end, count) in enumerate(zip(ends, point.bucket_counts, strict=True)):
            total += count
            exemplar = self._exemplars.get((instrument.name, tuple(values), number))
            found.append((end, total) if exemplar is None else (end, total, exemplar))
        return found

    def _keep(self, instrument: Instrument, point: Point, values: list[str], bounds: Sequence[float]) -> None:
        for one in point.exemplars:
            if one.trace_id and one.span_id:
                labels = {"trace_id": f"{one.trace_id:032x}", "span_id": f"{one.span_id:016x}"}
                key = instrument.name, tuple(values), bisect_left(bounds, one.value)
                self._exemplars[key] = Exemplar(labels, one.value, one.time_unix_nano / _NS)


class _Collected:
    """What prometheus_client's encoders ask for families."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families


_FAMILIES = {
    "counter": CounterMetricFamily,
    "gauge": GaugeMetricFamily,
    "level": GaugeMetricFamily,
    "histogram": HistogramMetricFamily,
}


def _values(instrument: Instrument, point: Point) -> list[str]:
    attributes = point.attributes or {}
    return [str(attributes.get(name, "")) for name in instrument.attributes]
