"""What is looked for."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from services.gateway.traces import otlp
from services.gateway.traces.asked import TraceQuery
from services.gateway.traces.kept import KeptTrace
from tests.unit.services.gateway.traces.spans import TRACE, sent, span, still


def trace(*bodies: bytes) -> KeptTrace:
    made = KeptTrace(100)
    for body in bodies:
        for resource, service, one in otlp.read(body):
            made.put(resource, service, one)
    return made


@pytest.mark.parametrize(
    ("asked", "fits"),
    [
        ({}, True),
        ({"id": TRACE.hex()[:6]}, True),
        ({"id": TRACE.hex().upper()}, True),
        ({"id": "session-1"}, True),
        ({"id": "session-2"}, False),
        ({"state": "ok"}, True),
        ({"state": "error"}, False),
        ({"hop": "render"}, True),
        ({"name": "IMAGES"}, True),
        ({"name": "/v1/jobs"}, False),
        ({"name": "images", "state": "error"}, False),
    ],
)
def test_all_that_is_asked_for_must_be_so(asked: dict[str, str], fits: bool) -> None:
    assert TraceQuery(**asked).fits(TRACE.hex(), trace(*still())) is fits


def test_a_trace_that_came_to_no_lane_has_no_such_hop() -> None:
    alone = trace(sent("gateway", span("GET /v1/looks", b"1" * 8, 0, 1)))
    assert TraceQuery(hop="gateway").fits("t", alone)
    assert not TraceQuery(hop="detect").fits("t", alone)


@pytest.mark.parametrize(
    ("asked", "fits"),
    [
        ({"id": "job-1"}, [0, 1]),
        ({"id": "job-1-1"}, [1]),
        ({"state": "error"}, [1]),
        ({"state": "ok"}, [0]),
        ({"hop": "ingest"}, [0, 1]),
        ({"hop": "render"}, []),
    ],
)
def test_a_segment_is_looked_for_by_its_own_state_and_ids(asked: dict[str, str], fits: list[int]) -> None:
    one, other = (
        span(
            "ingest", bytes([n]) * 8, 0, 5, job="job-1", segment=n, session=f"job-1-{n}-1-x", failed="Lost" if n else ""
        )
        for n in range(2)
    )
    found = trace(sent("ingest", one, other))
    query = TraceQuery(**asked)
    assert [s.segment for s in found.segments.values() if query.fits_segment("t", found, s)] == fits


@pytest.mark.parametrize("asked", [{"state": "broken"}, {"hop": "elsewhere"}, {"sort": "random"}, {"limit": 0}])
def test_what_there_is_not_is_refused(asked: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TraceQuery.model_validate(asked)
