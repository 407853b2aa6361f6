"""Where on the bus something of one job may be: patterns to listen by, and to purge by."""

from __future__ import annotations

from shared.model.live import context_subject

DEAD = "dead."
"""What the subject of a message begins with once it was given up; the rest is where it was."""
DEAD_LETTERS = f"{DEAD}>"


def requests_of(job: str) -> str:
    """Its segments that wait for an ingest, or are with one."""
    return f"jobs.segment.{job}.*"


def events_of(job: str) -> str:
    """What was told of it."""
    return f"jobs.event.{job}"


def dead_letters_of(job: str) -> str:
    """Its segments that were given up."""
    return f"{DEAD}{requests_of(job)}"


def contexts_of(job: str) -> str:
    """What sessions of it remember of their past."""
    return context_subject(job)
