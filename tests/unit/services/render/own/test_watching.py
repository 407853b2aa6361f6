"""What is said of others' effects."""

from __future__ import annotations

import pytest
import structlog
from prometheus_client import REGISTRY

from services.render.own import watching
from services.render.own.painting import Performance
from services.render.own.watching import OwnWatch


def value(name: str, effect: str) -> float:
    return REGISTRY.get_sample_value(name, {"effect": effect}) or 0.0


def test_a_fault_is_logged_once_a_session_and_counted_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "log", structlog.get_logger())
    before = value("visavis_own_effect_faults_total", "stumble")
    with structlog.testing.capture_logs() as lines:
        for session in ("a", "b"):
            watch = OwnWatch(session)
            for _ in range(3):
                watch.note(Performance("stumble", 0.01, "own.py, line 3: ValueError"))
    assert [(line["effect"], line["fault"], line["session"]) for line in lines] == [
        ("stumble", "own.py, line 3: ValueError", "a"),
        ("stumble", "own.py, line 3: ValueError", "b"),
    ]
    assert value("visavis_own_effect_faults_total", "stumble") == before + 6


def test_what_an_effect_takes_is_measured_by_its_name() -> None:
    before = value("visavis_own_effect_seconds_sum", "glow")
    OwnWatch("a").note(Performance("glow", 0.25))
    assert value("visavis_own_effect_seconds_sum", "glow") == pytest.approx(before + 0.25)
