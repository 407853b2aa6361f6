"""One session in render: frames in order, identities, drawing, and a sink for what comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from services.render.choosing import Choice, Present
from services.render.drawing import Painter
from services.render.easel import HostEasel
from services.render.moment import Moment
from services.render.people import People
from services.render.pose import head_pose
from services.render.tracking import Tracks
from services.render.watching import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    import numpy as np
    from numpy.typing import NDArray

    from services.render.copies import Frame
    from services.render.easel import Easel
    from services.render.head import Head
    from shared.model.faces import Face
    from shared.model.frames import CapturedFrame, DetectedFrame, FrameReference
    from shared.model.looks import Look
    from shared.model.media import Span


RESUMED_AFTER_SECONDS = 0.04
"""A session that is gone on with begins so long after its last frame, whatever time has passed."""


class FrameSource(Protocol):
    """Where sealed frames are read in place; the frame pool, to everybody but this module."""

    def read(self, reference: FrameReference) -> AbstractContextManager[Frame]:
        """The frame, valid within the context."""
        ...

    def release(self, reference: FrameReference) -> None:
        """The frame is not needed any more."""
        ...


class Sink(Protocol):
    """What becomes of frames in the end."""

    wants_picture: bool
    """False: only the faces matter, and nothing is drawn."""
    wants_faces: bool
    """False: nobody will be told of them; how their heads are turned and how well they are seen is not worked out."""
    keeps_alpha: bool
    """False: what is transparent could not be shown."""

    def write(self, picture: Frame, frame: CapturedFrame, faces: Sequence[Face]) -> None:
        """One frame, in order. `picture` is valid during the call."""
        ...

    def abort(self) -> None:
        """Nothing will come of it: leave nothing behind."""
        ...


class SessionState(msgspec.Struct, frozen=True, array_like=True):
    """How far a session is and what it knows of its past: another worker goes on from it as if nothing had been.

    Whoever changes what is in it, or what that means, raises shared.model.past.VERSION.
    The calmed mask of people is not kept: it is some 100 KiB, and a moment later as calm again.
    """

    frames_done: int = 0
    """The sequence of the next frame, too."""
    faces_done: int = 0
    """Of all its frames together."""
    tracks: Tracks = Tracks()
    choice: Choice = Choice()
    watch: Watch = Watch()
    is_taken_up: bool = False
    """True: frames are counted anew from here, and their times may be others."""

    def taken_up(self) -> SessionState:
        """For another session that goes on from this one."""
        return msgspec.structs.replace(self.counted_anew(), is_taken_up=True)

    def counted_anew(self) -> SessionState:
        """For the next segment of the same video, whose times are the same."""
        return msgspec.structs.replace(self, frames_done=0, faces_done=0)

    def before(self, seconds: float) -> SessionState:
        """As if its last frame had been just before that time: what is known of faces is as fresh as it was."""
        times = [*(track.motion.seconds for track in self.tracks.known), *(one.seconds for one in self.watch.sightings)]
        later = seconds - RESUMED_AFTER_SECONDS - max(times, default=seconds)
        return msgspec.structs.replace(
            self, tracks=self.tracks.moved(later), watch=self.watch.moved(later), is_taken_up=False
        )


class RenderSession:
    """Puts frames back in order, names and calms their faces, draws the look and hands them to the sink."""

    def __init__(
        self,
        look: Look,
        sink: Sink,
        time_base: tuple[int, int] = (1, 1000),
        state: SessionState | None = None,
        painter: Painter | None = None,
        pass_over: Callable[[DetectedFrame], bool] | None = None,
        span: Span | None = None,
    ) -> None:
        """time_base: numerator and denominator of the seconds that one unit of the frames' pts lasts.

        state: of a session that another worker began; None for a new one. painter: with what the look needs; None: one
        that has neither assets nor effects of others. pass_over: says of each frame, once, whether it comes too late to
        be of use; it is neither drawn nor written then. None: every frame is of use. span: of a segment, whose first
        frames are looked at and not drawn; with a state too they are what that knows already, and change nothing.
        """
        self.sink = sink
        self.state = state or SessionState()
        self.frames_total = 0
        """How many there will be; 0 until that is known."""
        self.lacks_people = False
        """True once it was not known of a frame where its people are, and the look asks for that."""
        self.painter = painter or Painter()
        """Draws; another may take its place before the first frame."""
        self.easel: Easel = HostEasel()
        """What it draws on; another may take its place before the first frame."""
        self._changes: dict[int, tuple[Look, Painter]] = {}
        self._change = 0
        self._pass_over = pass_over
        self._span = span
        self._goes_on = span is not None and state is not None
        self.frames_written = 0
        """How many the sink was given of its own."""
        self._is_resumed = self.state.is_taken_up
        self._draw_by(look)
        self._people = People()
        self._time_base = time_base
        self._early: dict[int, DetectedFrame] = {}

    @property
    def look(self) -> Look:
        """That the next frame is drawn by, unless it says otherwise."""
        return self._look

    @property
    def frames_done(self) -> int:
        """How many are drawn."""
        return self.state.frames_done

    @property
    def faces_done(self) -> int:
        """How many faces they had together."""
        return self.state.faces_done

    @property
    def finished(self) -> bool:
        """True when every frame there will be is drawn."""
        return 0 < self.frames_total <= self.frames_done

    def feed(self, frames: Sequence[DetectedFrame], source: FrameSource) -> None:
        """Take frames in any order, some perhaps for the second time; draw those whose turn it is.

        Raises FrameLost if a frame is gone, and what drawing and encoding raise.
        """
        for frame in frames:
            if frame.captured.sequence >= self.frames_done:
                self._early[frame.captured.sequence] = frame
        for frame in self._next():
            self._draw(frame, source)

    def prepare(self, change: int, look: Look, painter: Painter) -> None:
        """Frames that say so are drawn by this from now on. May be called from another thread than `feed`."""
        self._changes[change] = (look, painter)

    def _draw_by(self, look: Look) -> None:
        self._look = look
        self._is_visible, self._is_on_frames = not look.invisible, look.on_frames
        self._hides = look.hides_faces and self.sink.wants_picture
        self._needs_people = look.needs_people

    def _follow_changes(self, frame: CapturedFrame) -> None:
        if frame.live is not None and frame.live.look != self._change and frame.live.look in self._changes:
            self._change = frame.live.look
            look, self.painter = self._changes[self._change]
            for change in [change for change in self._changes if change <= self._change]:
                del self._changes[change]
            self._draw_by(look)

    def _next(self) -> Iterator[DetectedFrame]:
        while self.frames_done in self._early:
            yield self._early.pop(self.frames_done)

    def _draw(self, frame: DetectedFrame, source: FrameSource) -> None:
        if self._pass_over is not None and self._pass_over(frame):
            source.release(frame.captured.reference)
            self.state = msgspec.structs.replace(self.state, frames_done=self.frames_done + 1)
            return
        self._follow_changes(frame.captured)
        numerator, denominator = self._time_base
        seconds = frame.captured.pts * numerator / denominator
        if self._is_resumed:
            self._is_resumed = False
            self.state = self.state.before(seconds)
        if self._goes_on and not self._is_own(frame.captured):
            self._recall(frame, seconds, source)
            return
        tracks, faces = self.state.tracks.seen(frame.faces, seconds)
        present = Present(seconds, tracks, faces)
        choice = self.state.choice.after(present)
        watch = self.state.watch.after(frame.sightings, present) if self._hides else self.state.watch
        if self._is_warm_up(frame.captured):
            self._people_of(frame, seconds)
            source.release(frame.captured.reference)
            self.state = SessionState(self.frames_done + 1, self.faces_done, tracks, choice, watch)
            return
        with source.read(frame.captured.reference) as picture:
            if self.sink.wants_faces:
                judged = self.easel.judged(faces, picture)
                faces = [msgspec.structs.replace(face, pose=head_pose(face)) for face in judged]
            # What was lost a moment ago is drawn, so that effects do not flicker, but it is not told: nobody saw it.
            chosen = choice.of([*faces, *tracks.held(faces, seconds)], self._look) if self.sink.wants_picture else []
            heads = watch.heads(present, choice, self._look) if self._hides else []
            target = None
            if self.sink.wants_picture and self._is_drawn(chosen, heads):
                target = self.easel.copied(picture, self._look, keeps_alpha=self.sink.keeps_alpha)
            else:
                self.sink.write(picture, frame.captured, faces)
        if target is not None:
            moment = Moment(seconds, self._people_of(frame, seconds), heads, faces)
            self.easel.draw(target, self.painter, chosen, self._look, moment)
            self.sink.write(target, frame.captured, faces)
        source.release(frame.captured.reference)
        counted = len(faces) if self._is_own(frame.captured) else 0
        self.frames_written += self._is_own(frame.captured)
        self.state = SessionState(self.frames_done + 1, self.faces_done + counted, tracks, choice, watch)

    def _recall(self, frame: DetectedFrame, seconds: float, source: FrameSource) -> None:
        """A frame of the segment before, after which the state is: who is who in it is told where that is asked for."""
        self._people_of(frame, seconds)
        if not self._is_warm_up(frame.captured):
            _, faces = self.state.tracks.seen(frame.faces, seconds)
            with source.read(frame.captured.reference) as picture:
                self.sink.write(picture, frame.captured, faces)
        source.release(frame.captured.reference)
        self.state = msgspec.structs.replace(self.state, frames_done=self.frames_done + 1)

    def _is_own(self, frame: CapturedFrame) -> bool:
        """Whether the frame is not another segment's."""
        return self._span is None or frame.pts >= self._span.start

    def _is_warm_up(self, frame: CapturedFrame) -> bool:
        """Whether the sink is not given the frame. A sink of faces is given the last: by it they are known again."""
        if self._span is None or self._is_own(frame):
            return False
        return not (self.sink.wants_faces and frame.sequence == self._span.warm - 1)

    def _is_drawn(self, chosen: Sequence[Face], heads: Sequence[Head]) -> bool:
        return self._is_visible and bool(chosen or heads or self._is_on_frames)

    def _people_of(self, frame: DetectedFrame, seconds: float) -> NDArray[np.uint8] | None:
        """Who is a person in the frame, calmed; None where the look does not ask, or where nobody has ever said."""
        if not self._needs_people:
            return None
        self.lacks_people |= frame.people is None
        return self._people.seen(frame.people, seconds)
