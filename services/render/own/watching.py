"""Says how others' effects do: what each takes, how often one fails, and why, once a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Histogram

from shared.runtime.telemetry import log

if TYPE_CHECKING:
    from services.render.own.painting import Performance

_seconds = Histogram(
    "visavis_own_effect_seconds",
    "An effect of somebody's own on one face of one frame.",
    ("effect",),
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5),
)
_faults = Counter("visavis_own_effect_faults_total", "Faces that an effect of somebody's own failed on.", ("effect",))


class OwnWatch:
    """Watches the effects of one session."""

    def __init__(self, session: str) -> None:
        self._session = session
        self._told: set[str] = set()

    def note(self, performance: Performance) -> None:
        """One effect was drawn on one face, or was not."""
        effect, seconds, fault = performance
        _seconds.labels(effect).observe(seconds)
        if not fault:
            return
        _faults.labels(effect).inc()
        if effect not in self._told:
            self._told.add(effect)
            log.error("own effect failed", effect=effect, fault=fault, session=self._session)
