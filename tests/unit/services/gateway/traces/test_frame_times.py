"""Percentiles of frames."""

from __future__ import annotations

from services.gateway.traces import otlp
from services.gateway.traces.frame_times import FrameTimes, frame_times
from services.gateway.traces.waterfall import rows
from tests.unit.services.gateway.traces.spans import sent, span, still


def times(*bodies: bytes) -> list[FrameTimes]:
    return frame_times(rows([otlp.seen(service, one) for body in bodies for _, service, one in otlp.read(body)]))


def test_only_spans_of_frames_count() -> None:
    assert times(*still()) == [
        FrameTimes("detect", 1, (3.0,) * 3, (12.0,) * 3), FrameTimes("render", 1, (1.0,) * 3, (14.0,) * 3)
    ]  # fmt: skip


def test_every_frame_of_a_message_counts_with_its_share_of_the_work() -> None:
    one, many = span("detect", b"1" * 8, 0, 10, frames=1), span("detect", b"2" * 8, 10, 50, frames=20)
    [found] = times(sent("detect", one, many))
    assert (found.frames, found.waited, found.worked) == (21, None, (2.0, 2.0, 10.0))


def test_a_hundred_frames_have_the_ranks_that_they_should() -> None:
    [found] = times(sent("ingest", *(span("decode", n.to_bytes(8), 0, n, frames=1) for n in range(1, 101))))
    assert found.worked == (50.0, 95.0, 99.0)


def test_a_number_of_frames_that_is_none_counts_for_nothing() -> None:
    odd = [span("detect", bytes([n]) * 8, 0, 1, frames=word) for n, word in enumerate(("many", "0", "-3", "²"))]
    assert times(sent("detect", *odd)) == []
