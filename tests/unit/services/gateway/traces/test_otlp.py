"""Spans in and out."""

from __future__ import annotations

import pytest
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # ships no stubs

from services.gateway.traces import otlp
from tests.unit.services.gateway.traces.spans import BEGAN_NS, MS, sent, span


def test_a_span_comes_with_its_service_and_what_is_shown_of_it() -> None:
    body = sent("render", span("render", b"12345678", 1, 3, parent=b"abcdefgh", failed="Lost", session="s", frame=4))
    [(_, service, one)] = otlp.read(body)
    seen = otlp.seen(service, one)
    assert (seen.name, seen.service, seen.span_id, seen.parent_id) == (
        "render", "render", b"12345678".hex(), b"abcdefgh".hex(),
    )  # fmt: skip
    assert (seen.start_ns, seen.took_ms) == (BEGAN_NS + MS, 2.0)
    assert (seen.failed, seen.word, seen.facts) == (True, "Lost", {"session": "s", "frame": "4"})
    assert (seen.is_of_a_frame, seen.is_request, seen.waited_for) == (True, False, "")


def test_waiting_is_known_by_its_name() -> None:
    seen = otlp.seen("visavis-detect", span("detect.wait", b"12345678", 1, 3))
    assert (seen.waited_for, seen.is_of_a_frame) == ("detect", True)


def test_a_span_that_ends_before_it_begins_took_no_time() -> None:
    assert otlp.seen("detect", span("detect", b"12345678", 5, 3)).took_ms == 0


def test_values_of_every_kind_are_text() -> None:
    one = span("detect", b"12345678", 1, 2)
    one.attributes.add(key="a").value.bool_value = True
    one.attributes.add(key="b").value.double_value = 0.5
    one.attributes.add(key="c").value.bytes_value = b"never shown"
    assert otlp.seen("detect", one).facts == {"a": "true", "b": "0.5", "c": ""}


def test_what_is_no_request_is_said() -> None:
    with pytest.raises(DecodeError):
        list(otlp.read(b"\xff\xff\xff"))


def test_a_span_that_was_kept_is_the_same() -> None:
    one = span("detect", b"12345678", 1, 2, session="s")
    assert otlp.span_of(one.SerializeToString()) == one
    assert otlp.span_json(one.SerializeToString())["spanId"] == b"12345678".hex()
