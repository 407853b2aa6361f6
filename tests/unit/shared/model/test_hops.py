from __future__ import annotations

import pytest

from shared.model.hops import Hop, summarise


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
