"""Frames on their way: references to pixels, never pixels."""

from __future__ import annotations

import msgspec

from shared.model.faces import Face
from shared.model.hops import Hop
from shared.model.jobs import Problem
from shared.model.offers import ModelChoice
from shared.model.people import PeopleMask

Box = tuple[float, float, float, float]


class FrameReference(msgspec.Struct, frozen=True, array_like=True):
    """Where a sealed frame lies in the pool of its lane. Without meaning outside of it."""

    epoch: int
    """Which life of the pool."""
    slot: int
    """Which slot, from 0."""
    generation: int
    """Which use of the slot."""


class LiveMark(msgspec.Struct, frozen=True, array_like=True):
    """What a frame of a live session has on top."""

    number: int
    """Of the packet that it came in."""
    arrived_ns: int
    """When that was there, nanoseconds since 1970."""
    deadline_ns: int
    """After that it is of no use."""
    look: int = 0
    """Which change of the look it is drawn by; 0 is the first."""
    key: bool = False
    """Whether it is to be a key frame."""


class CapturedFrame(msgspec.Struct, frozen=True, array_like=True):
    """One decoded frame of a session."""

    reference: FrameReference
    sequence: int
    """Place in its session, from 0 without a gap."""
    pts: int
    """Presentation time in units of the session's time base."""
    duration: int = 0
    """In units of the session's time base; 0 if the source does not say."""
    live: LiveMark | None = None
    """Of a live session."""


class FramesCaptured(msgspec.Struct, frozen=True, tag=True):
    """Frames lie in the pool. Ingest tells detect."""

    lane: str
    session: str
    worker: str
    """The render worker that owns the session."""
    frames: tuple[CapturedFrame, ...]
    """1..16 frames, in order."""
    models: ModelChoice = ModelChoice()
    """By which the faces are found."""
    people: bool = False
    """Whether the people of these frames are to be told from what is behind them."""
    search_every: int = 0
    """Frames from one search for new faces to the next; 0: as detect's setting has it."""
    watchful: bool = False
    """True: every frame is searched for heads that must not stay unseen, not every few frames for faces to draw on."""
    hops: tuple[Hop, ...] = ()
    """What the hops before took, in order."""

    @property
    def subject(self) -> str:
        """`lane.<lane>.detect`"""
        return f"lane.{self.lane}.detect"

    @property
    def is_live(self) -> bool:
        """Whether somebody watches these frames now."""
        return bool(self.frames) and self.frames[0].live is not None

    def refused(self, problem: Problem) -> FacesDetected:
        """What render is told where the faces of these frames cannot be found as the request wants it."""
        frames = tuple(DetectedFrame(frame, ()) for frame in self.frames)
        return FacesDetected(self.lane, self.session, self.worker, frames, problem=problem)


class DetectedFrame(msgspec.Struct, frozen=True, array_like=True):
    """One frame and the faces that were found in it."""

    captured: CapturedFrame
    faces: tuple[Face, ...]
    people: PeopleMask | None = None
    """Where people are; None where nobody asked for it."""
    sightings: tuple[Box, ...] | None = None
    """x0, y0, x1, y1 in pixels of what may be faces besides these, as the detector draws them; they may reach over the
    picture's edge. None where nobody was watchful."""
    is_late: bool = False
    """True: its deadline had passed when detect had it, and nothing was looked for."""


class FacesDetected(msgspec.Struct, frozen=True, tag=True):
    """Faces of some frames are known. Detect tells the render worker that owns the session."""

    lane: str
    session: str
    worker: str
    frames: tuple[DetectedFrame, ...]
    hops: tuple[Hop, ...] = ()
    problem: Problem | None = None
    """Why there are no faces and the session comes to nothing; the frames are only to be given back."""

    @property
    def subject(self) -> str:
        """`lane.<lane>.render.<worker>`"""
        return f"lane.{self.lane}.render.{self.worker}"


class FramesEnded(msgspec.Struct, frozen=True, tag=True):
    """No frame follows. Ingest tells the render worker, which is done when it has drawn that many."""

    lane: str
    session: str
    worker: str
    frames: int
    """How many frames the session had."""

    @property
    def subject(self) -> str:
        """`lane.<lane>.render.<worker>`"""
        return f"lane.{self.lane}.render.{self.worker}"


ForRender = FacesDetected | FramesEnded
