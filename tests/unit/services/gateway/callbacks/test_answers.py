"""What answers mean, and when the next try is due."""

from __future__ import annotations

import pytest

from services.gateway.callbacks.answers import (
    LONGEST_PAUSE_SECONDS,
    NotYet,
    Taken,
    Unwanted,
    pause_seconds,
    verdict_of,
)
from shared.model.callbacks import CALLBACK_TRIES

NOW = 1_700_000_000.0
HTTP_DATE = "Tue, 14 Nov 2023 22:15:00 GMT"
"""100 seconds later."""


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_whoever_says_yes_has_it(status: int) -> None:
    assert verdict_of(status, {}, NOW) == Taken()


def test_whoever_is_gone_is_left_alone() -> None:
    assert verdict_of(410, {}, NOW) == Unwanted()


@pytest.mark.parametrize("status", [300, 301, 307, 308, 400, 401, 404, 429, 500, 503])
def test_whatever_else_is_no_yet(status: int) -> None:
    verdict = verdict_of(status, {"location": "http://127.0.0.1/"}, NOW)
    assert isinstance(verdict, NotYet)
    assert str(status) in verdict.detail
    assert ("redirect" in verdict.detail) is (status < 400)
    assert verdict.wait_seconds is None


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("said", "seconds"),
    [("120", 120.0), (" 0 ", 0.0), (HTTP_DATE, 100.0), ("Tue, 14 Nov 2023 22:15:00 -0000", 100.0),
     ("Tue, 14 Nov 2000 22:15:00 GMT", 0.0), ("soon", None), ("", None), ("-5", None), ("²", None),
     ("9" * 99, 1e9 - 1)],
)  # fmt: skip
def test_who_asks_to_wait_is_heard(status: int, said: str, seconds: float | None) -> None:
    verdict = verdict_of(status, {"retry-after": said}, NOW)
    assert isinstance(verdict, NotYet)
    assert verdict.wait_seconds == seconds


def test_others_are_not_asked_when() -> None:
    assert verdict_of(500, {"retry-after": "120"}, NOW) == NotYet("It answered with HTTP 500.")


def test_all_tries_take_about_a_day() -> None:
    least = sum(pause_seconds(tries, 5.0, 0.0) for tries in range(1, CALLBACK_TRIES))
    most = sum(pause_seconds(tries, 5.0, 1.0) for tries in range(1, CALLBACK_TRIES))
    assert 20 * 3600 < least < most < 32 * 3600


def test_pauses_grow_up_to_the_longest_and_differ_by_chance() -> None:
    pauses = [pause_seconds(tries, 5.0, 0.0) for tries in range(1, CALLBACK_TRIES)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (5.0, LONGEST_PAUSE_SECONDS)
    assert pause_seconds(1, 5.0, 0.5) == pytest.approx(5.5)


@pytest.mark.parametrize(("asked", "waits"), [(60.0, 60.0), (0.0, 5.0), (1e9, LONGEST_PAUSE_SECONDS)])
def test_what_a_receiver_asks_for_is_kept_to_in_bounds(asked: float, waits: float) -> None:
    assert pause_seconds(9, 5.0, 0.0, asked) == waits
