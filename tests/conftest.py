"""What holds for every test."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

import services.detect  # noqa: F401  -- before any test loads ONNX Runtime
from shared.runtime.metrics import Metrics
from shared.runtime.settings import ServiceSettings
from shared.transport import context, redis_context

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENT_SECONDS = 20.0

# No test asserts a time: on a busy machine any example may be slow.
settings.register_profile("visavis", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("visavis")


class AnswerTime:
    """For how long a context store is waited for: as long as a machine may stand still."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch
        self._usual = context.ANSWER_SECONDS
        for module in (context, redis_context):
            patch.setattr(module, "ANSWER_SECONDS", PATIENT_SECONDS)

    @contextmanager
    def usual(self) -> Iterator[None]:
        """As long as in production: what is within asks a store that does not answer."""
        with self._patch.context() as patch:
            patch.setattr(context, "ANSWER_SECONDS", self._usual)
            yield


@pytest.fixture
def metrics() -> Iterator[Metrics]:
    """Of a process that has measured nothing yet; no collector gets them."""
    made = Metrics("detect", ServiceSettings(lane="test", worker="7", otlp_metrics=False))
    yield made
    made.close()


@pytest.fixture
def patient_context(monkeypatch: pytest.MonkeyPatch) -> AnswerTime:
    """Context stores that are made in this test are waited for patiently."""
    return AnswerTime(monkeypatch)
