"""What becomes of a live session's frames: coded at once and told one by one.

Where the next frame is here already it is drawn meanwhile: encoding has a thread for that. Where none is, going to
another thread and copying the picture for it would only make the frame later, by 0.9 of 17 ms at 1280x720.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, NamedTuple

from services.render.copies import HostCopies
from services.render.encoding.live import LiveEncoder
from services.render.encoding.thread import EncoderThread
from services.render.sinks import unheard
from shared.model.hops import Hop
from shared.model.live import FramesSkipped, LiveFrame, Place, Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from services.render.copies import Copies, Copy, Frame
    from services.render.encoding.packets import EncodedPacket
    from services.render.outputs.outlets import Outlets
    from services.render.sinks import Encoded
    from shared.model.faces import Face
    from shared.model.frames import CapturedFrame, DetectedFrame, LiveMark
    from shared.model.live import LiveSettings
    from shared.model.media import VideoFacts

FRAMES_AHEAD: Final = 2
"""Frames that are drawn and not yet encoded."""
MARGIN, MOST_MARGIN = 1.25, 0.5
"""A frame must have so many times what frames lately took from here to their packets, but no more of the budget than
half: what is begun is told, and is not to be too old when it is."""
WEIGHT: Final = 0.2
"""Of a frame beside those before it."""
MOST_PENDING: Final = 512
"""Frames that an encoder may hold back."""


class Passing(NamedTuple):
    """How a frame came to render."""

    hops: tuple[Hop, ...]
    """Before render."""
    waited_ms: float
    started: float
    """When its message was received (time.perf_counter)."""


class _Drawn(NamedTuple):
    mark: LiveMark
    pts: int
    faces: Sequence[Face]
    passing: Passing | None
    began_ns: int
    """When its turn came."""


class LiveSink:
    """Encodes every frame and hands its packet on."""

    keeps_alpha = False

    def __init__(
        self,
        settings: LiveSettings,
        facts: VideoFacts,
        emit: Callable[[LiveFrame | FramesSkipped], None],
        threads: int,
        outlets: Outlets | None = None,
        copies: Copies | None = None,
        encoder: LiveEncoder | None = None,
    ) -> None:
        """emit: takes what is to be told, from any thread. threads: of the encoder. outlets: get every packet too.

        copies: of frames for the encoder; None: they lie on the host. encoder: made for the same, where a picture is
        wanted; None: one of the CPU's.
        """
        self.encoded: Encoded = unheard
        self.wants_picture = settings.want_picture
        self.wants_faces = settings.want_faces
        self._settings, self._emit = settings, emit
        self._encoder = None
        if settings.want_picture:
            self._encoder = encoder or LiveEncoder(facts, settings.output, threads)
        self._header = b"" if self._encoder is None else self._encoder.header
        self.outlets = outlets
        self._tells_bodies = settings.input is not None  # a source that is fetched has no client that waits for them
        if outlets is not None and self._encoder is not None:
            outlets.begin(self._encoder.track)
        self._copies = copies or HostCopies()
        self._thread = EncoderThread(FRAMES_AHEAD, copies=self._copies)
        self._drawn: dict[int, _Drawn] = {}
        self._passing: dict[int, Passing] = {}
        self._is_first = True
        self._budget_ns = settings.max_delay_ms * 1_000_000
        self._key_wanted = False
        """Whether a frame that was to be a key frame was passed over."""
        self._began_ns = 0
        self._took_ns = 0.0

    def expect(self, frames: Sequence[DetectedFrame], passing: Passing) -> None:
        """These frames have come, and so. Called for each as soon as it is there, from another thread than `write`."""
        for frame in frames:
            self._passing[frame.captured.sequence] = passing

    def pass_over(self, frame: DetectedFrame) -> bool:
        """Whether a frame is too old, by now, or would be when it is drawn and coded; that is told."""
        mark = frame.captured.live
        self._began_ns = time.time_ns()
        margin_ns = min(MARGIN * self._took_ns, MOST_MARGIN * self._budget_ns)
        if mark is None or not (frame.is_late or self._began_ns + margin_ns > mark.deadline_ns):
            return False
        self._forget(frame.captured)
        self._key_wanted |= mark.key
        place = Place.DETECT if frame.is_late else Place.RENDER
        self._emit(FramesSkipped(numbers=(mark.number,), place=place, reason=Reason.LATE))
        return True

    def write(self, picture: Frame, frame: CapturedFrame, faces: Sequence[Face]) -> None:
        """Encode one frame, or have it encoded; waits while FRAMES_AHEAD are. Raises what encoding one raised."""
        mark = frame.live
        if mark is None:
            raise ValueError("a frame of no live session came to a live sink")
        told = faces if self.wants_faces else ()
        drawn = _Drawn(mark, frame.pts, told, self._passing.get(frame.sequence), self._began_ns)
        self._forget(frame)
        if self._encoder is None:
            self._tell(drawn, b"", frame.pts, key=True)
            return
        if not self._passing and self._thread.is_idle:
            self._encode(self._copies.here(picture), drawn, frame.duration)
        else:
            self._thread.take(picture, lambda copy: self._encode(copy, drawn, frame.duration))

    def _forget(self, frame: CapturedFrame) -> None:
        """A frame's turn has come, and with it that of all before: some came twice."""
        for sequence in [sequence for sequence in tuple(self._passing) if sequence <= frame.sequence]:
            del self._passing[sequence]

    def close(self) -> None:
        """Tell what the encoder still holds. Outlets are left as they are: whoever made them closes them."""
        self._thread.close()
        if self._encoder is not None:
            self._told(self._encoder.flush())

    def abort(self) -> None:
        """Nothing is told any more. Outlets are left as they are, too."""
        self._thread.abort()

    def _encode(self, picture: Copy, drawn: _Drawn, duration: int) -> None:
        assert self._encoder is not None  # noqa: S101  -- who submits has looked
        self._drawn[drawn.pts] = drawn
        if len(self._drawn) > MOST_PENDING:
            del self._drawn[min(self._drawn)]
        wanted, self._key_wanted = drawn.mark.key or self._key_wanted, False
        key = wanted or (self.outlets is not None and self.outlets.wants_key(drawn.pts))
        started = time.perf_counter()
        packets = self._encoder.encode(picture, drawn.pts, duration, key=key)
        self.encoded(self._settings.output.codec, time.perf_counter() - started, self._encoder.made_by)
        self._follow(self._encoder)
        self._told(packets)

    def _follow(self, encoder: LiveEncoder) -> None:
        """Where another encoder has taken over, what follows is a track of its own; packets have its header in them."""
        if encoder.header != self._header:
            self._header = encoder.header
            if self.outlets is not None:
                self.outlets.begin(encoder.track)

    def _told(self, packets: Sequence[EncodedPacket]) -> None:
        for packet in packets:
            if self.outlets is not None:
                self.outlets.write(packet)
            if (drawn := self._drawn.pop(packet.pts, None)) is not None:
                self._tell(drawn, packet.body if self._tells_bodies else b"", packet.dts, key=packet.key)

    def _tell(self, drawn: _Drawn, body: bytes, dts: int, *, key: bool) -> None:
        self._took_ns += WEIGHT * (time.time_ns() - drawn.began_ns - self._took_ns)
        header = self._encoder.header if self._is_first and self._encoder is not None else b""
        self._is_first = False
        self._emit(
            LiveFrame(
                number=drawn.mark.number,
                pts=drawn.pts,
                dts=dts,
                key=key,
                look=drawn.mark.look,
                body=body,
                faces=tuple(drawn.faces),
                hops=_hops(drawn.passing) if self._settings.want_timings else (),
                arrived_ns=drawn.mark.arrived_ns,
                header=header,
            )
        )


def _hops(passing: Passing | None) -> tuple[Hop, ...]:
    if passing is None:
        return ()
    worked_ms = (time.perf_counter() - passing.started) * 1000
    return (*passing.hops, Hop("render", round(passing.waited_ms, 3), round(worked_ms, 3)))
