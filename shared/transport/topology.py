"""Every stream and queue of the bus, declared once; created or brought up to date when a service starts."""

from __future__ import annotations

from dataclasses import dataclass

from shared.model.callbacks import CALLBACK_TRIES
from shared.model.errors import Misconfigured
from shared.model.jobs import TRIES

MIB = 1 << 20
DAY_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Stream:
    """What JetStream keeps."""

    name: str
    subjects: tuple[str, ...]
    in_memory: bool
    """True: gone with the server; False: on its disk."""
    is_queue: bool
    """True: a message is gone once acknowledged; False: it is kept for `max_age_seconds`."""
    max_bytes: int
    max_age_seconds: float
    """0 keeps without end."""
    max_per_subject: int = -1
    is_bucket: bool = False
    """True: a bucket of JetStream's key-value store. Each key has its own time to live."""


@dataclass(frozen=True, slots=True)
class Queue:
    """A durable consumer: every message goes to one of those who consume it.

    Of a stream that is no queue the messages stay, and every such consumer hears each of them.
    """

    stream: str
    name: str
    subject: str
    ack_wait_seconds: float
    """After that without a word the message is given to another."""
    max_deliver: int
    """So often it is given to somebody; -1: until it is acknowledged."""
    max_ack_pending: int
    """So many messages may be out and unacknowledged: the back-pressure."""
    prefetch: bool
    """True: pushed as they come, for the shortest hop; False: asked for one by one, by those with room."""
    give_up_at: int = 0
    """At the delivery of that number a message is given up, and at each that follows; 0: at the last one."""
    is_handed_back: bool = False
    """True: who is told to end while working on a message gives it back as new; else it comes again after the time to
    acknowledge it, and one try is gone."""
    forget_after_seconds: float = 0.0
    """The queue is removed when nobody consumed it for so long; 0 keeps it."""


JOBS = Stream(
    "JOBS", ("jobs.plan.*", "jobs.segment.*.*"), in_memory=False, is_queue=True, max_bytes=64 * MIB,
    max_age_seconds=0,
)  # fmt: skip
EVENTS = Stream(
    "EVENTS", ("jobs.event.*.*",), in_memory=False, is_queue=False,
    max_bytes=256 * MIB, max_age_seconds=DAY_SECONDS, max_per_subject=1000,
)  # fmt: skip
CALLBACKS = Stream(
    "CALLBACKS", ("jobs.callback",), in_memory=False, is_queue=True,
    max_bytes=64 * MIB, max_age_seconds=7 * DAY_SECONDS,
)  # fmt: skip
FRAMES = Stream(
    "FRAMES", ("lane.*.detect", "lane.*.render.*"), in_memory=True, is_queue=True,
    max_bytes=256 * MIB, max_age_seconds=60,
)  # fmt: skip
CONTEXT = Stream(
    "KV_context", ("$KV.context.>",), in_memory=True, is_queue=False, is_bucket=True,
    max_bytes=64 * MIB, max_age_seconds=DAY_SECONDS, max_per_subject=1,
)  # fmt: skip
DEAD = Stream("DEAD", ("dead.>",), in_memory=False, is_queue=False, max_bytes=64 * MIB, max_age_seconds=7 * DAY_SECONDS)
STREAMS = (JOBS, EVENTS, CALLBACKS, FRAMES, CONTEXT, DEAD)


def plan_queue() -> Queue:
    """Jobs that are to be cut into segments, by any ingest."""
    return Queue(
        JOBS.name, "planner", "jobs.plan.*",
        ack_wait_seconds=6, max_deliver=-1, give_up_at=TRIES + 1, max_ack_pending=1000, prefetch=False,
        is_handed_back=True,
    )  # fmt: skip


def segment_queue() -> Queue:
    """Segments of jobs, for any ingest with room. One more delivery than tries: the last one says why it is dead."""
    return Queue(
        JOBS.name, "ingest", "jobs.segment.*.*",
        ack_wait_seconds=6, max_deliver=-1, give_up_at=TRIES + 1, max_ack_pending=1000, prefetch=False,
        is_handed_back=True,
    )  # fmt: skip


def ends_queue() -> Queue:
    """The ends of jobs, for any gateway that can call back."""
    return Queue(
        EVENTS.name, "ends", "jobs.event.*.job",
        ack_wait_seconds=10, max_deliver=1000, max_ack_pending=1000, prefetch=False,
    )  # fmt: skip


def callback_queue() -> Queue:
    """Calls back that are due, for any gateway. Those that wait for their next try are all unacknowledged."""
    return Queue(
        CALLBACKS.name, "callbacks", "jobs.callback",
        ack_wait_seconds=15, max_deliver=CALLBACK_TRIES + 1, max_ack_pending=50_000, prefetch=False,
    )  # fmt: skip


def detect_queue(lane: str) -> Queue:
    """Captured frames, for any detect of the lane."""
    return Queue(
        FRAMES.name, f"detect-{lane}", f"lane.{lane}.detect",
        ack_wait_seconds=3, max_deliver=TRIES, max_ack_pending=8, prefetch=True, forget_after_seconds=300,
    )  # fmt: skip


def render_queue(lane: str, worker: str) -> Queue:
    """Frames with faces, for the render worker that owns their session."""
    return Queue(
        FRAMES.name, f"render-{lane}-{worker}", f"lane.{lane}.render.{worker}",
        ack_wait_seconds=10, max_deliver=TRIES, max_ack_pending=16, prefetch=True, forget_after_seconds=30,
    )  # fmt: skip


def keeper(subject: str) -> Stream:
    """The stream that keeps a subject. Raises Misconfigured if none does."""
    for stream in STREAMS:
        if any(matches(pattern, subject) for pattern in stream.subjects):
            return stream
    raise Misconfigured(f"No stream keeps {subject}.")


def matches(pattern: str, subject: str) -> bool:
    """Whether a subject fits a pattern: `*` stands for one word, a last `>` for one or more."""
    parts, words = pattern.split("."), subject.split(".")
    if parts[-1] == ">":
        return len(words) >= len(parts) and _fit(parts[:-1], words[: len(parts) - 1])
    return len(parts) == len(words) and _fit(parts, words)


def _fit(parts: list[str], words: list[str]) -> bool:
    return all(part in {"*", word} for part, word in zip(parts, words, strict=True))
