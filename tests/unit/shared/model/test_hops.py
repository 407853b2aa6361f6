from __future__ import annotations

import pytest

from shared.model.hops import Hop, HopSummary, pooled, summarise


def test_nothing_has_no_summary() -> None:
    assert summarise([]) == ()


def test_services_are_summed_up_in_order_of_their_first_appearance() -> None:
    hops = [Hop("ingest", 1, 2), Hop("detect", 3, 4), Hop("ingest", 5, 6)]
    assert [(one.hop, one.frames) for one in summarise(hops)] == [("ingest", 2), ("detect", 1)]


def test_percentiles_are_values_that_occurred() -> None:
    summary = summarise(Hop("detect", float(n), 100.0 - n) for n in range(1, 101))[0]
    assert (summary.waited_p50_ms, summary.waited_p95_ms) == (50.0, 95.0)
    assert (summary.worked_p50_ms, summary.worked_p95_ms) == (49.0, 94.0)


def test_every_frame_of_a_message_counts() -> None:
    summary = summarise([Hop("detect", 1, 1, frames=99), Hop("detect", 9, 9, frames=1)])[0]
    assert summary.frames == 100
    assert (summary.waited_p50_ms, summary.waited_p95_ms) == (1, 1)


@pytest.mark.parametrize("frames", [1, 7])
def test_one_hop_is_all_percentiles(frames: int) -> None:
    summary = summarise([Hop("render", 2.5, 3.5, frames)])[0]
    assert (summary.waited_p50_ms, summary.waited_p95_ms) == (2.5, 2.5)
    assert (summary.worked_p50_ms, summary.worked_p95_ms) == (3.5, 3.5)


def summary(hop: str, frames: int, *times: float) -> HopSummary:
    return HopSummary(hop, frames, *times)


def test_summaries_of_one_service_become_one_that_counts_frames() -> None:
    parts = [
        summary("ingest", 10, 1, 2, 3, 4),
        summary("detect", 10, 0, 0, 5, 5),
        summary("ingest", 30, 5, 6, 7, 8.004),
    ]
    assert pooled(parts) == (summary("ingest", 40, 4.0, 5.0, 6.0, 7.003), parts[1])


def test_what_stands_alone_stays_as_it_is() -> None:
    parts = (summary("render", 7, 0.1234, 0.2, 0.3, 0.4), summary("ingest", 1, 1, 1, 1, 1))
    assert pooled(parts) == parts
    assert pooled(()) == ()


def test_summaries_of_no_frames_are_pooled_to_nothing() -> None:
    assert pooled([summary("detect", 0, 0, 0, 0, 0)] * 2) == (summary("detect", 0, 0, 0, 0, 0),)


def test_summaries_can_be_pooled_one_after_the_other() -> None:
    parts = [summary("render", frames, frames, 0, 1, 2) for frames in (4, 8, 16)]
    assert pooled((*pooled(parts[:2]), parts[2])) == pooled(parts)
