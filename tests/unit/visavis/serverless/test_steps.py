"""The log of a cold start."""

from __future__ import annotations

import io
import json

from visavis.serverless.steps import Steps, process_age_ms


def test_each_step_says_what_it_took_and_when_it_was_done() -> None:
    ages, out = iter([120.4, 800.0, 1000.6]), io.StringIO()
    steps = Steps(out, lambda: next(ages))
    steps.tell("imports")
    steps.tell("ready")
    told = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [(one["step"], one["ms"], one["since_start_ms"]) for one in told] == [
        ("interpreter started", 120, 120),
        ("imports", 680, 800),
        ("ready", 201, 1001),
    ]


def test_a_process_grows_older() -> None:
    first = process_age_ms()
    assert 0 < first <= process_age_ms()
