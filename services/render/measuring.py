"""What render measures: its sessions, what encoders take, and what became of the frames of jobs."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from shared.runtime.instruments import ENCODE, FRAMES, SESSIONS
from shared.runtime.logs import log

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shared.model.sessions import BeginSession
    from shared.runtime.metrics import Metrics
    from shared.runtime.telemetry import Telemetry

KINDS = ("still", "job", "live")


class RenderMeasures:
    """Of one render worker."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._encode = metrics.histogram(ENCODE)
        self._frames = metrics.counter(FRAMES)

    def encoded(self, codec: str, seconds: float, made_by: str) -> None:
        """A picture went through its encoder, in any thread. made_by: `cpu` or `nvenc`."""
        # A codec is of an enumeration: OpenTelemetry counts it as another.
        self._encode.record(seconds, {"codec": str(codec), "encoder": made_by})

    def job_delivered(self, frames: int) -> None:
        """A segment lies in the object store."""
        self._count(frames, "delivered", "", "")

    def job_failed(self, frames: int, reason: str) -> None:
        """A segment failed for that reason when so many of its frames were drawn, which were so in vain."""
        self._count(max(1, frames), "failed", reason, "render")

    def own(self, sessions: Iterable[BeginSession]) -> None:
        """Show which sessions the worker owns now."""
        counts = Counter(kind_of(one) for one in sessions)
        self._metrics.show(SESSIONS, [(counts[kind], {"kind": kind}) for kind in KINDS])

    def _count(self, frames: int, outcome: str, reason: str, place: str) -> None:
        self._frames.add(frames, {"kind": "job", "outcome": outcome, "reason": reason, "where": place})


def tell_of_host(session: str, reason: str) -> None:
    """Frames of a card are drawn by the CPU."""
    log.info("drawn on the host", session=session, reason=reason)


def tell_of_encoder(session: str, reason: str) -> None:
    """A session's pictures are encoded by the CPU though the card has encoders."""
    log.warning("encoded by the CPU", session=session, reason=reason)


def tell_of_no_encoder(reason: str) -> None:
    """The card has no encoder for a segment of a job now: whoever asked will ask again, here or elsewhere."""
    log.warning("no encoder for a job", reason=reason)


def tell_of_no_device(reason: str) -> None:
    """The card cannot be opened for a session now: as with an encoder."""
    log.warning("no device for a session", reason=reason)


def tell_fetched(telemetry: Telemetry, session: str, fetched: Mapping[str, int]) -> None:
    """A session is over whose frames lay on a card. fetched: what of them came to the host."""
    telemetry.count_fetched(fetched)
    log.info("frames on a card were drawn", session=session, **fetched)


def kind_of(begun: BeginSession) -> str:
    """A segment of a job, a live stream, or a still."""
    return "job" if begun.job else "still" if begun.live is None else "live"
