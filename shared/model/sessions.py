"""Sessions: one ordered run of frames through a lane. How it is opened, fed, answered and ended."""

from __future__ import annotations

import msgspec

from shared.model.faces import Face
from shared.model.hops import Hop
from shared.model.jobs import Problem, Want
from shared.model.live import LiveSettings, Output
from shared.model.looks import Look
from shared.model.media import Facts, MediaKind, Span
from shared.model.offers import ModelChoice, ModelOffer
from shared.model.own_effects import EffectOffer

CHUNK_BYTES = 512 * 1024
"""Largest piece of media in one message; NATS takes 1 MiB by default."""


class OpenSession(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A still is to be processed. Gateway asks a lane with room; more chunks follow on `live.<session>.in`."""

    session: str
    want: Want
    look: Look
    reply_kind: MediaKind | None
    """The kind of picture to answer with; None for the kind it came in."""
    deadline_unix_seconds: float
    """After that nobody waits for the answer."""
    body: bytes
    """The first chunk."""
    complete: bool
    """True if `body` is all there is."""
    models: ModelChoice = ModelChoice()

    SUBJECT = "sessions.open"


class SessionOpened(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The lane has taken the session."""

    lane: str


class SessionRefused(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """No room, for now; or none ever, and why."""

    retry_after_seconds: float
    problem: Problem | None = None
    """Where another try would fare no better."""
    detail: str = ""
    """A sentence: what is lacking, where it is something else than room."""


class Chunk(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A piece of encoded media, in order."""

    body: bytes
    last: bool


class StillFinished(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The answer to a still begins; chunks of the picture follow if one was wanted."""

    width: int
    height: int
    faces: tuple[Face, ...]
    hops: tuple[Hop, ...]
    kind: MediaKind | None
    """Of the picture that follows; None if none was wanted."""


class SessionFailed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The session ends without an answer."""

    problem: Problem


ForClient = StillFinished | Chunk | SessionFailed


class BeginSession(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Ingest asks a render worker of its lane to own a session."""

    session: str
    epoch: int
    """Of the lane's frame pool."""
    want: Want
    look: Look
    facts: Facts
    job: str = ""
    """The job whose segment this is; empty for a still."""
    segment: int = 0
    span: Span | None = None
    """Which frames of the video come, where it is not all of them."""
    attempt: int = 1
    reply_kind: MediaKind | None = None
    frames: int = 0
    """How many frames there will be, where that is known before; else FramesEnded says it."""
    live: LiveSettings | None = None
    """Of a live session."""
    outputs: tuple[Output, ...] = ()
    """Of a live session: what is made besides packets for the client."""
    context: str = ""
    """Of a live session: the name under which its past is kept."""
    resume: bool = False
    """Whether to go on from that past."""


class SessionBegun(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A render worker owns the session."""

    worker: str
    row: int
    """The worker's reader row in the lane's frame pool."""
    resumed: bool = False
    """Whether there was a past to go on from."""


class EndSession(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Ingest asks the owner of a session to drop it and to touch none of its frames again."""

    session: str


class SessionEnded(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The worker has dropped the session, or never knew it, and will touch none of its frames."""

    session: str


class CardUse(msgspec.Struct, frozen=True, kw_only=True):
    """How busy a card is, whoever makes it work. None: it does not say."""

    kernels_percent: int | None = None
    """Of the last moments in which a kernel ran."""
    decoder_percent: int | None = None
    encoder_percent: int | None = None
    memory_used_bytes: int | None = None
    memory_bytes: int | None = None


class WorkerReported(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A worker of a lane is warm and says how much room it has, now and then."""

    lane: str
    service: str
    worker: str
    room: int
    """How many sessions more it takes."""
    draining: bool = False
    """Whether it was told to end: it goes on with what it has begun, and nothing new is to be given to it."""
    pixels_per_second: float = 0.0
    """Of ingest: what more live work the lane has room for, by what it has measured."""
    busy_seconds: float = 0.0
    """Processor time that it has used so far, its children's too."""
    pixels: int = 0
    """Of ingest: pixels of frames that it has told so far."""
    live_pixels: int = 0
    """Of ingest: those of them that were of live sessions."""
    on_card: bool = False
    """Of ingest: whether the lane has a frame pool on a card; of detect and render: whether they read frames there."""
    why_not_on_card: str = ""
    """A sentence, where that is not so."""
    models: tuple[ModelOffer, ...] = ()
    """Of detect: what a request may choose from."""
    effects: tuple[EffectOffer, ...] = ()
    """Of render: effects of others that it has."""
    nvenc: tuple[str, ...] = ()
    """Of render: codecs in which live streams whose frames lie on the lane's card are encoded there."""
    why_not_nvenc: str = ""
    """A sentence, where others are not."""

    SUBJECT = "lanes.report"


def live_in(session: str) -> str:
    """Where a session's media comes in: chunks."""
    return f"live.{session}.in"


def live_out(session: str) -> str:
    """Where a session's answer goes out: ForClient."""
    return f"live.{session}.out"


def begin_subject(lane: str) -> str:
    """Where render workers of a lane take sessions: BeginSession -> SessionBegun."""
    return f"lane.{lane}.begin"


def end_subject(lane: str, worker: str) -> str:
    """Where a render worker is told to drop a session: EndSession -> SessionEnded."""
    return f"lane.{lane}.end.{worker}"
