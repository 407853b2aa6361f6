"""Decodes coded frames one by one as they come, each under its number. What it is given may be hostile."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import av
import av.error
import numpy as np
from av.codec.context import Flags

from services.ingest.admission import check_frame_size
from services.ingest.videos.planes import UprightCopy, facts_of, orientation_of
from services.ingest.videos.timeline import MOST_PENDING, LiveTimeline
from shared.model.errors import Rejected
from shared.model.live import LiveCodec, LiveInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.video.frame import VideoFrame

    from services.ingest.limits import IngestLimits
    from services.ingest.upright import Orientation
    from shared.model.media import VideoFacts
    from shared.model.pictures import Picture

DECODERS: Final = {
    LiveCodec.H264: "h264",
    LiveCodec.HEVC: "hevc",
    LiveCodec.AV1: "libdav1d",
    LiveCodec.VP9: "vp9",
    LiveCodec.MJPEG: "mjpeg",
}
"""FFmpeg's names. dav1d decodes AV1 by itself; FFmpeg's own av1 needs hardware."""
_RAW: Final = {LiveCodec.I420: "yuv420p", LiveCodec.NV12: "nv12", LiveCodec.RGB24: "rgb24"}


class LiveImage:
    """One decoded frame."""

    def __init__(self, copy: UprightCopy, frame: VideoFrame, number: int, place: tuple[int, int]) -> None:
        self._copy, self._frame = copy, frame
        self.number = number
        """Of the packet that it came in."""
        self.pts, self.duration = place

    def write_into(self, picture: Picture) -> None:
        """Copy every sample, upright, into `picture`, whose geometry is that of the facts."""
        self._copy.write(self._frame, picture)


class LiveDecoder:
    """A decoder that gives a frame as soon as it can, and the facts of the first one for all.

    Frames of other sizes or colours that come later are made to fit the first one: what is drawn goes into one stream.
    """

    def __init__(self, asked: LiveInput, limits: IngestLimits, fit: VideoFacts | None = None) -> None:
        """fit: what all frames are made to fit; None: the first one.

        Raises Rejected (`too-large`, `too-small`, `unsupported-media`) for what cannot be decoded."""
        check_frame_size(asked.width, asked.height, limits)
        self._asked, self._limits, self._fit = asked, limits, fit
        self.facts: VideoFacts | None = None
        """Of all frames; None before the first."""
        self.copy: UprightCopy | None = None
        """Makes frames fit the facts; None before the first."""
        self.first: VideoFrame | None = None
        """As it was stored; None before it."""
        self._timeline = LiveTimeline(max(1, round(asked.clock_hz / asked.rate)), asked.clock_hz)
        self._pts: dict[int, int] = {}
        self._context = None if asked.codec.is_raw else self._opened()

    def decode(self, number: int, pts: int, body: bytes) -> Iterator[LiveImage]:
        """The frames that are there after one more packet, mostly one.

        Raises Rejected (`damaged-media`, `too-large`, ...) for a packet that cannot be decoded; the next may be.
        """
        self._pts[number] = pts
        if len(self._pts) > MOST_PENDING:
            del self._pts[min(self._pts)]
        frames = [self._raw(number, body)] if self._context is None else self._decoded(number, body)
        for frame in frames:
            if (image := self._image(frame)) is not None:
                yield image

    def flush(self) -> Iterator[LiveImage]:
        """The frames that the decoder still holds."""
        if self._context is None:
            return
        for frame in self._from(None):
            if (image := self._image(frame)) is not None:
                yield image

    def _opened(self) -> av.VideoCodecContext:
        asked = self._asked
        context = av.CodecContext.create(DECODERS[asked.codec], "r")
        assert isinstance(context, av.VideoCodecContext)  # noqa: S101  -- all of DECODERS are
        context.thread_count = self._limits.decoder_threads
        context.thread_type = "SLICE"  # threads that take whole frames would hold back as many
        context.flags |= Flags.output_corrupt
        options = {"max_pixels": str(2 * self._limits.max_pixels)}
        if asked.codec is LiveCodec.AV1:
            options["max_frame_delay"] = "1"
        context.options = options
        if asked.header:
            context.extradata = asked.header
        return context

    def _decoded(self, number: int, body: bytes) -> list[VideoFrame]:
        packet: av.Packet[Any] = av.Packet(body)
        packet.pts = packet.dts = number
        packet.time_base = Fraction(1, 1000)
        return self._from(packet)

    def _from(self, packet: av.Packet[Any] | None) -> list[VideoFrame]:
        assert self._context is not None  # noqa: S101  -- raw frames do not come here
        try:
            return self._context.decode(packet)
        except av.error.MemoryError:
            raise
        except av.error.EOFError:
            return []
        except av.error.FFmpegError as error:
            raise Rejected("damaged-media", f"The packet cannot be decoded: {error.strerror}.") from error

    def _raw(self, number: int, body: bytes) -> VideoFrame:
        width, height, name = self._asked.width, self._asked.height, _RAW[self._asked.codec]
        shape = (height, width, 3) if name == "rgb24" else (height * 3 // 2, width)
        if width % 2 or height % 2:
            raise Rejected("unsupported-media", "Raw frames need even sides.")
        size = int(np.prod(shape))
        if len(body) != size:
            detail = f"A frame of {self._asked.codec}, {width} x {height}, has {size} bytes, not {len(body)}."
            raise Rejected("damaged-media", detail)
        frame = av.VideoFrame.from_ndarray(np.frombuffer(body, np.uint8).reshape(shape), format=name)
        frame.pts = number
        return frame

    def _image(self, frame: VideoFrame) -> LiveImage | None:
        number = min(self._pts, default=None) if frame.pts is None else frame.pts
        if number is None or number not in self._pts:  # a second frame of a packet: nobody could be told of it
            return None
        pts = self._pts.pop(number)
        if self.copy is None:
            if frame.is_corrupt:  # before a key frame a decoder shows gray
                return None
            self._begin(frame)
        assert self.copy is not None  # noqa: S101  -- begun above
        check_frame_size(frame.width, frame.height, self._limits)
        return LiveImage(self.copy, frame, number, self._timeline.place(pts))

    def _begin(self, first: VideoFrame) -> None:
        check_frame_size(first.width, first.height, self._limits)
        orientation = orientation_of(first)
        self.facts = self._fit or self._facts_of(first, orientation)
        self.first = first
        self.copy = UprightCopy(first, self.facts, orientation)

    def _facts_of(self, first: VideoFrame, orientation: Orientation) -> VideoFacts:
        aspect = (self._context.sample_aspect_ratio if self._context is not None else None) or Fraction(1)
        rate = max(Fraction(self._asked.rate).limit_denominator(1001), Fraction(1, 1001))
        return facts_of(first, orientation, aspect, (1, self._asked.clock_hz), rate.as_integer_ratio())
