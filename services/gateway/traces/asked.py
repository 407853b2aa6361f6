"""What somebody looks for among the traces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from services.gateway.traces.kept import KeptTrace, SegmentSeen


class TraceQuery(BaseModel):
    """Which traces, in which order. What is empty asks for nothing."""

    model_config = ConfigDict(frozen=True)

    id: str = Field("", max_length=200, description="What the id of the trace, of a job or of a session begins with.")
    state: Literal["", "ok", "error"] = Field("", description="`error`: something in it failed; `ok`: nothing did.")
    hop: Literal["", "gateway", "ingest", "detect", "render"] = Field("", description="A service that it came to.")
    name: str = Field("", max_length=200, description="Part of the name of its first span, in any case.")
    sort: Literal["latest", "slowest"] = Field("latest", description="What comes first.")
    limit: int = Field(1000, ge=1, le=10_000, description="So many at most.")

    def fits(self, trace_id: str, trace: KeptTrace) -> bool:
        """Whether the trace is looked for."""
        return (
            (not self.state or trace.failed == (self.state == "error"))
            and self._fits_its_place(trace)
            and (not self.id or trace_id.startswith(self.id.lower()) or trace.has_id(self.id))
        )

    def fits_segment(self, trace_id: str, trace: KeptTrace, segment: SegmentSeen) -> bool:
        """Whether a segment is looked for: its own state and ids, the hops and the name of its trace."""
        ids = (segment.job, segment.session)
        return (
            (not self.state or segment.failed == (self.state == "error"))
            and self._fits_its_place(trace)
            and (not self.id or trace_id.startswith(self.id.lower()) or any(one.startswith(self.id) for one in ids))
        )

    def _fits_its_place(self, trace: KeptTrace) -> bool:
        return (
            not self.hop or f"visavis-{self.hop}" in trace.services
        ) and self.name.lower() in trace.shown_name.lower()


AskedTraces = Annotated[TraceQuery, Query()]
