"""What is said of others' effects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import structlog

from services.render.own import watching
from services.render.own.painting import Performance
from services.render.own.watching import OwnWatch
from shared.runtime.metrics import Metrics
from tests.scrapes import value

if TYPE_CHECKING:
    pass


def test_a_fault_is_logged_once_a_session_and_counted_every_time(
    metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "log", structlog.get_logger())
    with structlog.testing.capture_logs() as lines:
        for session in ("a", "b"):
            watch = OwnWatch(session, metrics)
            for _ in range(3):
                watch.note(Performance("stumble", 0.01, "own.py, line 3: ValueError"))
    assert [(line["effect"], line["fault"], line["session"]) for line in lines] == [
        ("stumble", "own.py, line 3: ValueError", "a"),
        ("stumble", "own.py, line 3: ValueError", "b"),
    ]
    assert value(metrics, "visavis_own_effect_faults_total", effect="stumble") == 6


def test_what_an_effect_takes_is_measured_by_its_name(metrics: Metrics) -> None:
    OwnWatch("a", metrics).note(Performance("glow", 0.25))
    assert value(metrics, "visavis_own_effect_seconds_sum", effect="glow") == 0.25
