"""Draws docs/dashboard.png: the service's dashboard, of a stack of two lanes under load for three minutes."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from tests.derived.dashboards.drawn import drawn
from tests.derived.dashboards.files import FOLDER
from tests.prometheus_server import PrometheusServer
from tests.system.load import under_load
from tests.system.watching import wait_until
from visavis.sample import portrait_jpeg, write_sample
from visavis.settings import LocalSettings
from visavis.stack import Stack, StackOptions

PICTURE = Path(__file__).parents[3] / "docs" / "dashboard.png"
SECONDS, RATE_SECONDS, STEP_SECONDS = 180, 15, 2.0
DELAYS_MS = (1000, 500)
"""`max_delay_ms` of two streams."""
TONES = 64


def main() -> None:
    """Some minutes of work for both cores."""
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "sample.mp4"
        write_sample(clip)
        options = StackOptions(
            var=Path(folder) / "var", models=LocalSettings().models.expanduser(), lanes=({}, {}), metrics=True
        )
        with Stack(options) as stack, PrometheusServer(Path(folder) / "prometheus", _targets(stack)) as prometheus:
            wait_until(lambda: len(prometheus.now("up == 1")) == len(stack.services), "every process is scraped")
            start = time.time()
            under_load(stack, portrait_jpeg(), clip, SECONDS, DELAYS_MS)
            end = time.time()
            picture = drawn(
                FOLDER / "service.json",
                lambda expr: prometheus.between(expr, start, end, STEP_SECONDS),
                start,
                end,
                RATE_SECONDS,
            )
    picture.quantize(TONES).save(PICTURE, optimize=True)


def _targets(stack: Stack) -> dict[str, list[str]]:
    """Addresses of all processes of each service."""
    found: dict[str, list[str]] = {}
    for name in stack.services:
        found.setdefault(name.partition("-")[0], []).append(stack.metrics(name).split("/")[2])
    return found


if __name__ == "__main__":
    main()
