"""Live sessions: frames come as they are captured and go back drawn. What is asked, and what both sides say meanwhile.

A packet's `number` is its place among those that the client sent, from 0 without a gap. Everything that becomes of it
is told under that number, so that the account is exact: received = delivered + dropped + failed.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from shared.model.faces import Face
from shared.model.hops import Hop
from shared.model.jobs import Problem
from shared.model.looks import Look
from shared.model.media import VideoFacts
from shared.model.offers import ModelChoice

BEAT_SECONDS = 1.0
"""Gateway and ingest say so often that they are there."""
SILENCE_SECONDS = 5.0
"""Without a word for so long the other side counts as gone."""
RESUME_SECONDS = 60.0
"""So long a broken stream can be gone on with."""
USUAL_DELAY_MS = 500
DRAINING = "draining"
"""The notice that what has the stream is being stopped: the client goes on with it elsewhere, by its token."""


class LiveCodec(StrEnum):
    """How frames are coded, in either direction."""

    H264 = "h264"
    HEVC = "hevc"
    AV1 = "av1"
    VP9 = "vp9"
    MJPEG = "mjpeg"
    I420 = "i420"
    NV12 = "nv12"
    RGB24 = "rgb24"

    @property
    def is_raw(self) -> bool:
        """True: a packet is a picture's samples, plane after plane without padding."""
        return self in {LiveCodec.I420, LiveCodec.NV12, LiveCodec.RGB24}

    @property
    def is_intra(self) -> bool:
        """True: every packet stands for itself."""
        return self.is_raw or self is LiveCodec.MJPEG


class Place(StrEnum):
    """Where a frame was dropped, in the order of its way."""

    GATEWAY = "gateway"
    INGEST = "ingest"
    DETECT = "detect"
    RENDER = "render"


class Reason(StrEnum):
    """Why a frame was dropped."""

    LATE = "late"  # it was older than the session's budget
    OVERLOAD = "overload"  # the lane had no room for it and a newer one came
    SLOW_READER = "slow-reader"  # the client does not take what it is sent
    PAUSED = "paused"  # the client wanted it so
    LOST = "lost"  # the lane never told what became of it


class LiveInput(msgspec.Struct, frozen=True, kw_only=True):
    """What the client sends."""

    codec: LiveCodec
    width: Annotated[int, msgspec.Meta(ge=16, le=8192)]
    """Pixels."""
    height: Annotated[int, msgspec.Meta(ge=16, le=8192)]
    rate: Annotated[float, msgspec.Meta(ge=0.001, le=1000)] = 30.0
    """Frames a second, about; the pts are what counts."""
    clock_hz: Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)] = 90_000
    """Units of pts a second."""
    header: bytes = b""
    """What the decoder needs before the first packet and the packets do not have (avcC, hvcC, ...); empty for none."""

    @property
    def pixels_per_second(self) -> float:
        """What it asks of a lane."""
        return self.width * self.height * self.rate


class LiveOutput(msgspec.Struct, frozen=True, kw_only=True):
    """What the client wants back."""

    codec: LiveCodec = LiveCodec.H264
    bitrate_kbps: Annotated[int, msgspec.Meta(ge=0, le=200_000)] = 0
    """0: by `quality`."""
    quality: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.6
    """1 is best and largest."""
    key_interval_seconds: Annotated[float, msgspec.Meta(ge=0.001, le=60)] = 2.0
    """From one key frame to the next, at most."""
    low_delay: bool = True
    """True: every packet comes out as soon as its frame is in. False: smaller, some frames later."""


class HlsOutput(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="hls", forbid_unknown_fields=True):
    """A playlist with fMP4 segments, served by the gateway."""

    segment_seconds: Annotated[float, msgspec.Meta(ge=0.5, le=10)] = 2.0
    window: Annotated[int, msgspec.Meta(ge=3, le=1000)] = 6
    """Segments in the playlist."""


class RtmpOutput(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="rtmp", forbid_unknown_fields=True):
    """Pushed to a server that takes RTMP."""

    url: str


class RecordOutput(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="record", forbid_unknown_fields=True
):
    """Kept as one file in the object store."""

    max_seconds: Annotated[float, msgspec.Meta(ge=0.001, le=86_400)] = 3600.0


Output = HlsOutput | RtmpOutput | RecordOutput


class LiveSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A live session as the client wants it."""

    input: LiveInput | None
    """None for a source that is fetched: it says itself what it is."""
    output: LiveOutput = LiveOutput()
    look: Look
    models: ModelChoice = ModelChoice()
    want_picture: bool = True
    want_faces: bool = False
    """Whether faces are told beside the picture."""
    want_timings: bool = False
    """Whether each frame tells what every hop took."""
    max_delay_ms: Annotated[int, msgspec.Meta(ge=20, le=60_000)] = USUAL_DELAY_MS
    """What is older is dropped."""


class OpenLive(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A live session is to be taken. Gateway asks the lane that it chose."""

    session: str
    settings: LiveSettings
    context: str
    """The name under which the session's past is kept, for one that goes on after it."""
    resume: bool = False
    """Whether there is a past to go on from."""
    source: str = ""
    """Where to fetch from; empty: packets come on `live.<session>.in`."""
    outputs: tuple[Output, ...] = ()
    """What is made besides packets for the client."""


class LiveOpened(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The lane has taken the session and listens."""

    lane: str


class LivePacket(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One coded frame of the client, or a part of it, in order."""

    number: int
    pts: int
    """In units of the input's clock."""
    key: bool
    arrived_ns: int
    """When the gateway had all of it, nanoseconds since 1970: what its age is told from."""
    body: bytes
    more: bool = False
    """True: the next message goes on with this one's body."""


class LookWanted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Another look, from the next frame on."""

    look: Look
    change: int
    """Which change this is, from 1."""


class KeyFrameWanted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The next frame is to be a key frame."""


class FlowChanged(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Whether frames are wanted just now."""

    paused: bool
    """The client wants none for a while."""
    held: bool
    """The client does not take what it was sent."""


class OutputsWanted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Other outputs than before."""

    outputs: tuple[Output, ...]


class LiveBeat(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Somebody still wants the session, or works on it."""


class LiveEnded(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """No packet follows."""

    abandoned: bool = False
    """True: nobody waits for what is under way."""


class LiveBegan(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The first frame is decoded: what the stream really is."""

    facts: VideoFacts
    resumed: bool
    """Whether it goes on with a past."""


class LiveFrame(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One drawn frame, or a part of it, in order of decoding."""

    number: int
    pts: int
    dts: int
    key: bool
    look: int
    """Which change of the look it was drawn by."""
    body: bytes
    """Coded; empty where only faces are wanted."""
    more: bool = False
    """True: the next message goes on with this one's body."""
    faces: tuple[Face, ...] = ()
    hops: tuple[Hop, ...] = ()
    arrived_ns: int
    header: bytes = b""
    """With the first frame: what a decoder needs before it, where packets do not have it."""


class FramesSkipped(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Nothing will come of these packets."""

    numbers: tuple[int, ...]
    place: Place
    reason: Reason | None
    """None: they could not be decoded."""


class LookRefused(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A change of the look cannot be drawn; the one before stays."""

    change: int
    problem: Problem


class LiveNoticed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Something that the client should know of."""

    kind: str
    """A stable word, e.g. `degraded`, `recovered`, `draining`, `source-stalled`, `source-lost`."""
    detail: str
    """One sentence for a person."""


class KeyFrameAwaited(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Packets were too many to be decoded in time: until the next key frame none is of use."""

    after: int
    """The number of the last packet that had come then; a later key frame ends the waiting."""


class LiveFinished(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The session is over; everything was told before."""


class PrepareLook(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Ingest asks the owner of a session to have a look ready."""

    session: str
    look: Look
    change: int


class LookPrepared(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Frames with that change can be drawn."""


class ChangeOutputs(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Ingest asks the owner of a session to make other outputs from now on."""

    session: str
    outputs: tuple[Output, ...]


class SoundOpened(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The source has sound that outputs can carry; ingest tells the owner of the session."""

    session: str
    codec: str
    """FFmpeg's name of it."""
    header: bytes
    rate: int
    """Samples a second."""
    channels: int


class SoundPacket(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A piece of coded sound as the source had it."""

    session: str
    pts: int
    """In units of the session's video clock."""
    duration: int
    body: bytes


ToLane = LivePacket | LookWanted | KeyFrameWanted | FlowChanged | OutputsWanted | LiveBeat | LiveEnded
FromLane = LiveBegan | LiveFrame | FramesSkipped | KeyFrameAwaited | LookRefused | LiveNoticed | LiveBeat | LiveFinished


def open_subject(lane: str) -> str:
    """Where a lane takes live sessions: OpenLive -> LiveOpened | SessionRefused."""
    return f"lane.{lane}.open"


def look_subject(lane: str, worker: str) -> str:
    """Where the owner of a session is asked for another look: PrepareLook -> LookPrepared | LookRefused."""
    return f"lane.{lane}.look.{worker}"


def sound_subject(lane: str, worker: str) -> str:
    """Where the owner of a session gets its sound, and is told of other outputs."""
    return f"lane.{lane}.sound.{worker}"
