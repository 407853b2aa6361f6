"""How many lanes there are to be: KEDA's and Kubernetes' rules, played."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.bench.autoscaling import SYNC_SECONDS, Autoscaler, Rule, lag_of

RULE = Rule(
    threshold=2, least=0, most=16, polling_seconds=5, cooldown_seconds=60, up=(("Percent", 100, 15), ("Pods", 4, 15)),
    down=(("Percent", 50, 60),), down_window_seconds=120,
)  # fmt: skip


def lanes(scaler: Autoscaler, lags: list[int], start: int = 0) -> list[int]:
    return [scaler.look(now, lag) for now, lag in enumerate(lags, start)]


def test_the_first_segment_calls_a_lane_at_the_next_look_and_others_at_the_autoscalers() -> None:
    seen = lanes(Autoscaler(RULE), [0, *[9] * 20])
    assert seen[:15] == [0] * 5 + [1] * 10
    assert seen[15] == 5, "four more at once, or twice as many: whichever is more"


def test_growing_is_bounded_by_policies_and_by_the_most() -> None:
    seen = lanes(Autoscaler(RULE), [1000] * 61)
    assert [seen[at] for at in (0, 14, 15, 30, 45, 60)] == [5, 5, 10, 16, 16, 16]


def test_a_recommendation_that_is_near_changes_nothing() -> None:
    scaler = Autoscaler(replace(RULE, least=10))
    assert lanes(scaler, [21] * 31)[-1] == 10
    assert lanes(scaler, [23] * 31, 45)[-1] == 12


def test_lanes_go_after_the_window_half_of_them_a_minute_and_the_last_after_the_cooldown() -> None:
    scaler = Autoscaler(RULE)
    assert lanes(scaler, [40] * 121)[-1] == 16
    seen = lanes(scaler, [1] * 600, 121)
    assert seen[110] == 16
    assert [now for now in range(1, 600) if seen[now] < seen[now - 1]] == [119, 179, 239, 299]
    assert seen[-1] == 1
    seen = lanes(scaler, [0] * 100, 721)
    assert (seen[50], seen[-1]) == (1, 0)


def test_reserved_lanes_stay() -> None:
    assert set(lanes(Autoscaler(replace(RULE, least=2)), [0] * 400)) == {2}
    assert SYNC_SECONDS < 400


def answer(*consumers: dict[str, object]) -> dict[str, object]:
    stream = {"name": "JOBS", "state": {"last_seq": 7}, "consumer_detail": list(consumers)}
    return {"account_details": [{"name": "$G", "stream_detail": [stream]}, {"name": "SYS"}]}


def test_what_waits_and_what_is_worked_on_is_the_lag() -> None:
    found = answer(
        {"name": "planner", "num_pending": 9, "num_ack_pending": 9},
        {"name": "ingest", "num_pending": 3, "num_ack_pending": 2},
    )
    assert lag_of(found, "$G", "JOBS", "ingest") == 5


def test_without_a_consumer_all_that_ever_came_is_the_lag() -> None:
    assert lag_of(answer(), "$G", "JOBS", "ingest") == 7
    with pytest.raises(LookupError):
        lag_of(answer(), "$G", "EVENTS", "ingest")
