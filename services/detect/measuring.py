"""What detect measures: runs of its models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.runtime.instruments import INFERENCE, INFERENCE_BATCH

if TYPE_CHECKING:
    from services.detect.engine import Ran
    from shared.runtime.metrics import Metrics


def recorder(metrics: Metrics) -> Ran:
    """What engines tell of each run, in any thread."""
    durations, batches = metrics.histogram(INFERENCE), metrics.histogram(INFERENCE_BATCH)

    def ran(model: str, provider: str, batch: int, seconds: float) -> None:
        attributes = {"model": model, "provider": provider}
        batches.record(batch, attributes)
        durations.record(seconds, attributes)

    return ran
