from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from shared.model.errors import Late
from shared.model.hops import Hop
from shared.runtime.telemetry import (
    SENT_HEADER,
    Telemetry,
    ask_for_every_frame,
    asks_for_every_frame,
    carried_by,
    is_traced,
    mark_failed,
    sent_ns_of,
    trace_id_of,
)
from tests.collecting import Collector, collecting
from tests.scrapes import value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry.proto.trace.v1.trace_pb2 import Span

    from shared.runtime.settings import ServiceSettings


def test_a_trace_goes_on_through_the_headers(telemetry: Telemetry, spans: Callable[[], list[Span]]) -> None:
    with telemetry.span("first") as first:
        headers = telemetry.headers()
    with telemetry.span("second", headers, "consumer", tries=2) as second:
        assert trace_id_of(second) == trace_id_of(first)
    one, two = spans()
    assert two.parent_span_id == one.span_id
    assert [(one.key, one.value.int_value) for one in two.attributes] == [("visavis.tries", 2)]


def test_headers_without_a_trace_begin_one(telemetry: Telemetry) -> None:
    with telemetry.span("outer") as outer, telemetry.span("inner", {}) as inner:
        assert trace_id_of(inner) != trace_id_of(outer)


def test_a_broken_trace_header_begins_a_new_trace(telemetry: Telemetry) -> None:
    with telemetry.span("a", {"traceparent": "00-nonsense"}) as span:
        assert len(trace_id_of(span)) == 32


def test_a_hop_of_a_message_without_a_trace_begins_one(telemetry: Telemetry, spans: Callable[[], list[Span]]) -> None:
    with telemetry.hop({}, 1, 2):
        onward = telemetry.headers()["traceparent"]
    (span,) = spans()
    assert (span.name, span.trace_id.hex()) == ("detect", onward.split("-")[1])


def test_spans_go_to_the_collector_where_one_is_named(settings: ServiceSettings, collector: Collector) -> None:
    asked = settings.model_copy(update={"otlp_endpoint": collector.url})
    sent: list[bytes] = []
    telemetry = Telemetry("detect", asked, sent.append)
    with telemetry.span("seen"):
        pass
    telemetry.close()
    ((path, body),) = collector.received
    (resource,) = ExportTraceServiceRequest.FromString(body).resource_spans
    assert (path, [one.name for scope in resource.scope_spans for one in scope.spans]) == ("/v1/traces", ["seen"])
    assert not sent


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        yield collector


def test_the_time_of_sending_is_a_header(telemetry: Telemetry) -> None:
    headers = telemetry.headers()
    assert sent_ns_of(headers, 0) > 1_600_000_000 * 10**9


@pytest.mark.parametrize(
    "headers", [{}, {SENT_HEADER: ""}, {SENT_HEADER: "-1"}, {SENT_HEADER: "soon"}, {SENT_HEADER: "²"}]
)
def test_a_time_that_is_none_is_replaced(headers: dict[str, str]) -> None:
    assert sent_ns_of(headers, 42) == 42


def test_waiting_and_working_are_spans_side_by_side(telemetry: Telemetry, spans: Callable[[], list[Span]]) -> None:
    with telemetry.span("sender"):
        headers = telemetry.headers()
    with telemetry.hop(headers, 1000, 5000, tries=2):
        onward = telemetry.headers()["traceparent"].split("-")[2]
    wait, work, sender = spans()
    assert (wait.name, wait.start_time_unix_nano, wait.end_time_unix_nano) == ("detect.wait", 1000, 5000)
    assert (work.name, work.start_time_unix_nano, work.span_id.hex()) == ("detect", 5000, onward)
    assert wait.parent_span_id == work.parent_span_id == sender.span_id


def test_a_hop_that_fails_says_so_without_the_details(telemetry: Telemetry, spans: Callable[[], list[Span]]) -> None:
    with telemetry.span("sender"):
        headers = telemetry.headers()
    with pytest.raises(ValueError, match="secret"), telemetry.hop(headers, 1000, 5000, tries=1):
        raise ValueError("secret")
    failed = next(span for span in spans() if span.name == "detect")
    assert failed.status.code == failed.status.STATUS_CODE_ERROR
    assert b"secret" not in failed.SerializeToString()


@pytest.mark.parametrize("carried", [{}, {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}], ids=["begun", "goes on"])
def test_a_hop_whose_failure_was_told_is_a_failure_and_one_that_is_late_is_none(
    telemetry: Telemetry, spans: Callable[[], list[Span]], carried: dict[str, str]
) -> None:
    with telemetry.hop(carried, 1000, 5000) as notes:
        notes.failed = "unsupported-media"
    with pytest.raises(Late), telemetry.hop(carried, 1000, 5000):
        raise Late("The job is cancelled.")
    said = [span.status for span in spans() if span.name == "detect"]
    assert sorted((one.code == one.STATUS_CODE_ERROR, one.message) for one in said) == [
        (False, ""),
        (True, "unsupported-media"),
    ]


def test_a_span_that_fails_says_so_without_the_details(telemetry: Telemetry, spans: Callable[[], list[Span]]) -> None:
    with pytest.raises(ValueError, match="secret"), telemetry.span("request"):
        raise ValueError("secret")
    (failed,) = spans()
    assert (failed.status.code, failed.status.message) == (failed.status.STATUS_CODE_ERROR, "ValueError")
    assert b"secret" not in failed.SerializeToString()


def test_every_frame_of_a_hop_is_counted(telemetry: Telemetry) -> None:
    telemetry.record(Hop("detect", 1, 2, frames=16))
    assert value(telemetry.metrics, "visavis_hop_waited_seconds_count", hop="detect") == 16
    assert value(telemetry.metrics, "visavis_hop_worked_seconds_sum", hop="detect") == pytest.approx(0.032)


def test_an_outcome_is_counted(telemetry: Telemetry) -> None:
    telemetry.count("late")
    assert value(telemetry.metrics, "visavis_messages_total", service="detect", outcome="late") == 1


def test_what_leaves_a_card_is_counted(telemetry: Telemetry) -> None:
    telemetry.count_fetched({"frames": 3, "frame_bytes": 12})
    found = [value(telemetry.metrics, "visavis_fetched_total", what=what) for what in ("frames", "frame_bytes")]
    assert found == [3, 12]


def test_who_gets_unsampled_headers_makes_no_spans(telemetry: Telemetry, spans: Callable[[], list[Span]]) -> None:
    with telemetry.span("first", {}):
        headers = telemetry.headers(sampled=False)
    with telemetry.hop(headers, 1, 2), telemetry.span("inner"):
        onward = telemetry.headers()["traceparent"]
    assert [span.name for span in spans()] == ["first"]
    assert onward.split("-")[1] == headers["traceparent"].split("-")[1]
    assert onward.endswith("-00")


def test_a_hop_says_what_was_noted_and_works_from_when_it_began(
    telemetry: Telemetry, spans: Callable[[], list[Span]]
) -> None:
    with telemetry.span("sender"):
        headers = telemetry.headers()
    with telemetry.hop(headers, 1000, 5000, tries=2) as notes:
        notes.begun_ns = 7000
        notes.facts["detector"] = "blazeface"
    wait, work, _ = spans()
    assert (wait.end_time_unix_nano, work.start_time_unix_nano) == (7000, 7000)
    assert [one.key for one in work.attributes] == ["visavis.tries", "visavis.detector"]


def test_what_is_over_is_told_with_what_it_waited(telemetry: Telemetry, spans: Callable[[], list[Span]]) -> None:
    with telemetry.span("ingest") as outer:
        telemetry.spent("decode", 1000, 3000, 4000, frame=7)
        telemetry.spent("decode", 5000, 5000, 6000, frame=8)
    wait, work, unwaited, _ = spans()
    assert [span.name for span in (wait, work, unwaited)] == ["decode.wait", "decode", "decode"]
    assert (wait.start_time_unix_nano, wait.end_time_unix_nano, work.end_time_unix_nano) == (1000, 3000, 4000)
    assert {span.trace_id.hex() for span in (wait, work, unwaited)} == {trace_id_of(outer)}


def test_who_asks_for_every_frame_is_known_wherever_the_trace_comes(telemetry: Telemetry) -> None:
    with telemetry.span("request"):
        assert not asks_for_every_frame()
        ask_for_every_frame()
        headers = telemetry.headers()
    with telemetry.hop(headers, 1, 2):
        assert asks_for_every_frame()
        onward = telemetry.headers()
    with telemetry.span("later", onward):
        assert asks_for_every_frame()
    with telemetry.span("another"):
        assert not asks_for_every_frame()


def test_a_trace_without_spans_has_them_when_every_frame_is_asked_for(
    telemetry: Telemetry, spans: Callable[[], list[Span]]
) -> None:
    unsampled = f"00-{'a' * 32}-{'b' * 16}-00"
    with telemetry.span("request", {"traceparent": unsampled}):
        ask_for_every_frame()
        headers = telemetry.headers()
    with telemetry.hop(headers, 1, 2):
        pass
    assert [span.name for span in spans()] == ["detect.wait", "detect"]


def test_a_trace_without_spans_is_none(telemetry: Telemetry) -> None:
    assert not is_traced()
    with telemetry.span("request"):
        assert is_traced()
    with telemetry.span("request", {"traceparent": f"00-{'a' * 32}-{'b' * 16}-00"}):
        assert not is_traced()


def test_without_a_trace_asking_for_every_frame_does_nothing() -> None:
    ask_for_every_frame()
    assert not asks_for_every_frame()


def test_a_full_trace_state_has_room_for_ours(telemetry: Telemetry) -> None:
    full = ",".join(f"k{number}=v" for number in range(32))
    with telemetry.span("request", {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "tracestate": full}):
        ask_for_every_frame()
        assert asks_for_every_frame()


@pytest.mark.parametrize(("sampled", "flags"), [(False, "00"), (True, "01")])
def test_a_callers_trace_is_taken_but_not_its_word_on_depth(sampled: bool, flags: str) -> None:
    came = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-00", "tracestate": "visavis=frames,other=1", "cookie": "c"}
    found = carried_by(came, sampled=sampled)
    assert found == {"traceparent": f"00-{'a' * 32}-{'b' * 16}-{flags}", "tracestate": "other=1"}


@pytest.mark.parametrize("came", [{}, {"traceparent": "nonsense"}, {"tracestate": "visavis=frames"}])
def test_nothing_is_taken_of_a_caller_without_a_trace(came: dict[str, str]) -> None:
    assert carried_by(came) == {}


def test_a_span_that_is_marked_says_the_word(telemetry: Telemetry, spans: Callable[[], list[Span]]) -> None:
    with telemetry.span("request") as span:
        mark_failed(span, "unavailable")
    (failed,) = spans()
    assert (failed.status.code, failed.status.message) == (failed.status.STATUS_CODE_ERROR, "unavailable")
