"""Says how others' effects do: what each takes, how often one fails, and why, once a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.runtime.instruments import OWN_EFFECT, OWN_EFFECT_FAULTS
from shared.runtime.logs import log

if TYPE_CHECKING:
    from services.render.own.painting import Performance
    from shared.runtime.metrics import Metrics


class OwnWatch:
    """Watches the effects of one session."""

    def __init__(self, session: str, metrics: Metrics) -> None:
        self._session = session
        self._seconds = metrics.histogram(OWN_EFFECT)
        self._faults = metrics.counter(OWN_EFFECT_FAULTS)
        self._told: set[str] = set()

    def note(self, performance: Performance) -> None:
        """One effect was drawn on one face, or was not."""
        effect, seconds, fault = performance
        self._seconds.record(seconds, {"effect": effect})
        if not fault:
            return
        self._faults.add(1, {"effect": effect})
        if effect not in self._told:
            self._told.add(effect)
            log.error("own effect failed", effect=effect, fault=fault, session=self._session)
