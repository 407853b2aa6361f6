"""What processes say of themselves, read as Prometheus reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
from prometheus_client.openmetrics.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.samples import Sample

    from shared.runtime.metrics import Metrics
    from visavis.stack import Stack

OPEN_METRICS = "application/openmetrics-text; version=1.0.0"
PATIENCE_SECONDS = 30


def samples(source: Metrics | Stack, name: str, **labels: str) -> list[Sample]:
    """Samples of a name whose labels have these values: of this process's metrics, or of all services of a stack."""
    return [one for text in _texts(source) for one in _samples(text, name) if labels.items() <= one.labels.items()]


def value(source: Metrics | Stack, name: str, **labels: str) -> float:
    """The sum over such samples; 0 where there is none."""
    return sum(one.value for one in samples(source, name, **labels))


def slots_in_use(stack: Stack) -> float:
    """Slots of the frame pools that are not free. Raises LookupError where nobody says."""
    found = samples(stack, "visavis_pool_slots")
    if not found:
        raise LookupError("Nobody says how many slots there are.")
    return sum(one.value for one in found if one.labels["state"] != "free")


def scraped(url: str, accept: str = OPEN_METRICS) -> str:
    """What is served there."""
    answer = httpx.get(url, headers={"Accept": accept}, trust_env=False, timeout=PATIENCE_SECONDS)
    return answer.raise_for_status().text


def _texts(source: Metrics | Stack) -> Iterator[str]:
    if hasattr(source, "exposition"):
        yield source.exposition(OPEN_METRICS)[0].decode()
        return
    for service in source.services:
        if url := source.metrics(service):
            yield scraped(url)


def _samples(text: str, name: str) -> Iterator[Sample]:
    for family in text_string_to_metric_families(text):
        yield from (one for one in family.samples if one.name == name)
