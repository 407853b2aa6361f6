"""What is kept of a session, so that another goes on from it as if nothing had been."""

from __future__ import annotations

import msgspec

from shared.model.faces import Face
from shared.model.jobs import SegmentRequested
from shared.model.looks import Look

VERSION = 1
"""Of what is kept. Raised whenever what stands in a past means something else than before: what another version has
kept is no past then."""


class SessionPast(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """A session up to some frame."""

    version: int = VERSION
    """First, whatever follows in other versions."""
    look: Look
    """In force then."""
    state: msgspec.Raw
    """Identities, filters and counters. Render's own (SessionState): nobody else reads it."""


class SegmentPast(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """A segment of a job at its end, for the segment that begins there."""

    version: int = VERSION
    """First, whatever follows in other versions."""
    request: SegmentRequested
    """What was asked for."""
    faces: tuple[Face, ...]
    """That detect found in its last frame."""
    state: msgspec.Raw
    """As in SessionPast."""

    def is_continued_by(self, request: SegmentRequested) -> bool:
        """Whether another request is for the same, from the very frame on before which this one has ended."""
        ended, begins = self.request.span, request.span
        if ended is None or begins is None or ended.end != begins.start or self.request.segment + 1 != request.segment:
            return False
        return msgspec.structs.replace(self.request, segment=request.segment, span=begins) == request
