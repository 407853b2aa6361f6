from __future__ import annotations

from typing import TYPE_CHECKING

from services.detect.measuring import recorder
from tests.scrapes import samples, value

if TYPE_CHECKING:
    from shared.runtime.metrics import Metrics


def test_runs_are_measured_by_model_and_provider(metrics: Metrics) -> None:
    ran = recorder(metrics)
    ran("face-mesh", "cpu", 3, 0.25)
    ran("face-mesh", "cpu", 1, 0.25)
    ran("blazeface-short", "cuda", 16, 0.001)
    labels = {"model": "face-mesh", "provider": "cpu"}
    assert value(metrics, "visavis_inference_batch_size_sum", **labels) == 4
    assert value(metrics, "visavis_inference_duration_seconds_sum", **labels) == 0.5
    of_four = [one.value for one in samples(metrics, "visavis_inference_batch_size_bucket", le="4.0", **labels)]
    assert of_four == [2]
