"""When a trace is whole."""

from __future__ import annotations

from typing import Any

import pytest

from visavis.cli.demo import is_whole

CHAIN = ("gateway", "ingest", "detect", "render")


def trace(*missing: str) -> dict[str, Any]:
    """A span of each service, each the child of the one before."""
    parents = dict(zip(CHAIN, ("", *CHAIN), strict=False))
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": f"visavis-{name}"}}]},
                "scopeSpans": [{"spans": [{"spanId": name, "parentSpanId": parents[name]}]}],
            }
            for name in CHAIN
            if name not in missing
        ]
    }


def test_a_trace_with_every_service_and_every_parent_is_whole() -> None:
    assert is_whole(trace())


@pytest.mark.parametrize("missing", CHAIN)
def test_a_trace_without_a_service_is_not_whole(missing: str) -> None:
    assert not is_whole(trace(missing))


def test_a_trace_in_which_a_longer_span_has_not_come_yet_is_not_whole() -> None:
    found = trace()
    found["resourceSpans"][1]["scopeSpans"][0]["spans"][0] |= {"spanId": "ingest.wait"}
    assert not is_whole(found)


def test_no_trace_is_not_whole() -> None:
    assert not is_whole({})
