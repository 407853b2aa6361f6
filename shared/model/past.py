"""What is kept of a session, so that another goes on from it as if nothing had been."""

from __future__ import annotations

import msgspec

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
