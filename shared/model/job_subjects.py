"""Where on the bus something of one job may be: patterns to listen by, and to purge by."""

from __future__ import annotations

from shared.model.jobs import events_of

DEAD = "dead."
"""What the subject of a message begins with once it was given up; the rest is where it was."""
DEAD_LETTERS = f"{DEAD}>"


def requests_of(job: str) -> tuple[str, ...]:
    """What of its work waits for an ingest, or is with one."""
    return f"jobs.plan.{job}", f"jobs.segment.{job}.*"


def dead_letters_of(job: str) -> tuple[str, ...]:
    """What of its work was given up."""
    return tuple(f"{DEAD}{pattern}" for pattern in requests_of(job))


__all__ = ["DEAD", "DEAD_LETTERS", "dead_letters_of", "events_of", "requests_of"]
