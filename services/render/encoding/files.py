"""Encodes drawn pictures by x264 into a file."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final

import av
from av.codec.context import Flags
from av.filter import Graph

from services.render.copies import on_host
from services.render.encoding.clocks import exact_clock
from services.render.encoding.frames import configure, frame_of, refuse_packed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from av.packet import Packet
    from av.video.stream import VideoStream

    from services.render.copies import Copy
    from shared.model.media import VideoFacts

FIELDS: Final = {1: ("tff", 2), 2: ("bff", 3)}
"""Field order to FFmpeg's word for it and its AVFieldOrder."""


class VideoEncoder:
    """Writes pictures into an MP4 file as H.264, every pts as given.

    The track's time scale is an exact multiple of the source's, and so is the movie's, in which MP4 keeps a start other
    than 0. MP4 says of a frame how long decoding waits for the next one, which with B-frames is not how long it is
    shown: durations of single packets follow from the pts, and the track's duration ends where the last frame ends.
    """

    made_by = "cpu"

    def __init__(
        self, path: Path, facts: VideoFacts, *, preset: str = "veryfast", crf: float = 23.0, threads: int = 0
    ) -> None:
        """Open `path` for writing.

        preset: x264's own word. crf: 0 is lossless, 51 is worst. threads: of the encoder; 0 leaves it to x264.
        """
        refuse_packed(facts)
        self._path = path
        self._facts = facts
        self._ticks, scale = exact_clock(facts.time_base)
        self._clock = Fraction(1, scale)
        scales = {"movie_timescale": str(scale), "video_track_timescale": str(scale)}
        self._file = av.open(str(path), "w", format="mp4", options=scales)
        self._stream = self._file.add_stream("libx264", rate=Fraction(*facts.frame_rate))
        self._stream.time_base = self._clock
        configure(self._stream.codec_context, facts, self._clock)
        field = {"x264-params": f"{FIELDS[facts.field_order][0]}=1"} if facts.field_order in FIELDS else {}
        self._stream.codec_context.options = {"preset": preset, "crf": str(crf), **field}
        self._stream.codec_context.thread_count = threads
        self._fields = _FieldMarker(self._stream, facts.field_order) if facts.field_order in FIELDS else None
        self._held: Packet[VideoStream] | None = None
        self._delay = 0
        self._end = 0

    def write(self, picture: Copy, pts: int, duration: int) -> None:
        """Encode the next picture (as large and laid out as the facts say); its memory may be used again on return.

        pts, duration: in the facts' time base; pts grow from call to call.
        """
        picture = on_host(picture)
        if picture.geometry != self._facts.geometry:
            raise ValueError(f"a picture of {picture.geometry} came for an encoder of {self._facts.geometry}")
        frame = frame_of(picture)
        frame.pts, frame.duration, frame.time_base = pts * self._ticks, duration * self._ticks, self._clock
        self._end = max(self._end, (pts + duration) * self._ticks)
        self._mux(self._stream.encode(self._fields.marked(frame) if self._fields else frame))

    def close(self) -> None:
        """Write what the encoder still holds and finish the file."""
        self._mux(self._stream.encode(None))
        if self._held is not None and self._held.dts is not None:
            self._held.duration = max(1, self._end - self._delay - self._held.dts)
            self._file.mux(self._held)
        self._file.close()

    def abort(self) -> None:
        """Stop, and leave no file behind; also after a failed `close`."""
        try:
            self._file.close()
        finally:
            self._path.unlink(missing_ok=True)

    def _mux(self, packets: Iterable[Packet[VideoStream]]) -> None:
        for packet in packets:
            if self._held is None:
                self._delay = (packet.pts or 0) - (packet.dts or 0)
            else:
                self._file.mux(self._held)
            self._held = packet  # the last one's duration is known at the end


class _FieldMarker:
    """Marks frames as interlaced, which PyAV's frames cannot be told directly and x264 asks of each."""

    def __init__(self, stream: VideoStream, field_order: int) -> None:
        word, number = FIELDS[field_order]
        context = stream.codec_context
        context.field_order = number
        context.flags |= Flags.interlaced_dct | Flags.interlaced_me
        self._graph = Graph()
        source = self._graph.add_buffer(
            width=context.width, height=context.height, format=context.format, time_base=context.time_base
        )
        marker, sink = self._graph.add("setfield", word), self._graph.add("buffersink")
        source.link_to(marker)
        marker.link_to(sink)
        self._graph.configure()

    def marked(self, frame: av.VideoFrame) -> av.VideoFrame:
        """The same picture and times, marked."""
        self._graph.vpush(frame)
        return self._graph.vpull()
