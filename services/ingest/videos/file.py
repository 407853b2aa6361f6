"""Decodes a hostile video file and copies its frames, upright, into planes it is given."""

from __future__ import annotations

import contextlib
from fractions import Fraction
from typing import TYPE_CHECKING, Self

import av.error
import msgspec
from av.codec.context import Flags

from services.ingest.admission import admit_file, check_frame_size, check_length
from services.ingest.upright import Orientation
from services.ingest.videos.demuxing import Reading, choose_video, claimed_seconds, count_images, open_media, silence
from services.ingest.videos.planes import UprightCopy, facts_of, orientation_of
from services.ingest.videos.timeline import Timeline
from services.ingest.videos.wholeness import missing_bytes
from shared.model.errors import Rejected
from shared.model.media import DecodeSummary, MediaKind, notice_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path
    from types import TracebackType

    from av.packet import Packet
    from av.stream import Stream
    from av.video.frame import VideoFrame

    from services.ingest.limits import IngestLimits
    from shared.model.media import Span, VideoFacts
    from shared.model.pictures import Picture

_FIELDS = {2: 1, 3: 2, 4: 2, 5: 1}
"""FFmpeg's AVFieldOrder (TT, BB, TB, BT) to the field that is shown first; 0 and 1 are unknown and progressive."""
_USUAL_RATE = Fraction(25)
_MOST_LEADING = 250
"""So many damaged frames at the beginning are left out; a stream that refreshes without key frames has no other."""
_MOST_KEPT = 64
"""A decoder with a few threads has its first frame after ten packets or so."""


class UprightFrame:
    """One decoded frame and its place in time, in units of the facts' time base."""

    def __init__(self, copy: UprightCopy, frame: VideoFrame, place: tuple[int, int]) -> None:
        self._copy, self._frame = copy, frame
        self.pts, self.duration = place

    def write_into(self, picture: Picture) -> None:
        """Copy every sample, upright, into `picture`, whose geometry is that of the facts."""
        self._copy.write(self._frame, picture)


class VideoFile:
    """An open video: its facts, its frames in order of presentation, and a summary when they are over."""

    def __init__(
        self,
        path: Path,
        limits: IngestLimits,
        threads: int = 1,
        *,
        fit: VideoFacts | None = None,
        span: Span | None = None,
        keep: bool = False,
    ) -> None:
        """Open `path`, check it against `limits` and decode the first frame, which tells what the stream really is.

        threads: of the decoder. fit: facts of the whole video, which all of its frames are made to fit; None: what the
        first frame says. span: the part of it to read; None: all. keep: whether packets are to be had, see `packets`.
        Raises Rejected if this is no video that is read, breaks a limit, or has no frame.
        """
        silence()
        self._path, self._kind, self._threads = path, admit_file(path, limits), threads
        self._limits, self._missing, self._span = limits, missing_bytes(path, self._kind), span
        self._damaged = self._delivered = 0
        self._keeps = keep
        self.kept: list[Packet[Stream]] | None = None
        """Packets that were read for the first frame; None if there are too many, or they were not to be kept."""
        with contextlib.ExitStack() as stack:
            if self._kind is MediaKind.GIF:
                count_images(path, limits)
            self.first = self._opened(stack)
            """The first frame that is to be delivered, as it is stored."""
            orientation = orientation_of(self.first)
            self.is_upright = orientation == Orientation()
            self.facts = fit or self._facts(self.first, orientation)
            self._copy = UprightCopy(self.first, self.facts, orientation)
            self._timeline = Timeline(round(1 / (Fraction(*self.facts.frame_rate) * Fraction(*self.facts.time_base))))
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Frames that were handed out stay readable."""
        self._stack.close()

    def frames(self) -> Iterator[UprightFrame]:
        """Every frame that can be decoded, once. Raises Rejected (`too-long`) where a limit is passed on the way."""
        unit = Fraction(*self.facts.time_base)
        frame: VideoFrame | None = self.first
        before = self._span.first if self._span is not None else 0
        while frame is not None and not self._is_after(frame):
            place = self._timeline.place(frame.pts, frame.dts, frame.duration)
            check_length(before + self._delivered + 1, float(self._timeline.span * unit), self._limits)
            self._delivered += 1
            yield UprightFrame(self._copy, frame, place)
            frame = next(self._decoded, None)

    @property
    def summary(self) -> DecodeSummary:
        """What could be read; complete when `frames` is over."""
        damaged, early = self._damaged + self.unread_places, self.ends_early
        return DecodeSummary(
            frames=self._delivered,
            damaged_packets=damaged,
            ended_early=early,
            end_seconds=float(self._timeline.end * Fraction(*self.facts.time_base)),
            notice=notice_of(self._delivered, self.facts.frames_expected, damaged, early=early),
        )

    def packets(self) -> Iterator[Packet[Stream]]:
        """Instead of `frames`, of a file that was opened with `keep`: every packet, from the kept ones on."""
        yield from self.kept or ()
        yield from self._packets

    def copy_first(self, picture: Picture) -> None:
        """Copy the first frame, upright, into `picture`, whose geometry is that of the facts."""
        self._copy.write(self.first, picture)

    def is_own(self, pts: int | None) -> bool:
        """Whether no other span has this place, so that its damage is counted here."""
        span = self._span
        return span is None or pts is None or (span.start <= pts and (span.end is None or pts < span.end))

    @property
    def codec(self) -> str:
        """FFmpeg's name, whichever of its decoders reads it here."""
        return self.stream.codec_context.codec.canonical_name

    @property
    def unread_places(self) -> int:
        """Places where the file could not be read, so far."""
        return self._reading.damaged

    @property
    def ends_early(self) -> bool:
        """Whether the file stops before what it announces, as far as is known."""
        return self._missing > 0 or self._reading.gave_up

    def _opened(self, stack: contextlib.ExitStack) -> VideoFrame:
        """Begin to read; the first frame that is to be delivered."""
        if self._span is not None and self._span.first:
            with contextlib.ExitStack() as trying:
                self._open(trying)
                self._container.seek(self._span.begins, stream=self.stream)
                frame = self._frame_of(self._span)
                if frame is not None and frame.pts == self._span.begins and not frame.is_corrupt:
                    stack.push(trying.pop_all())
                    return frame
            self._damaged = 0  # the index leads astray, or the picture builds up over many frames: read from the start
        self._open(stack)
        frame = self._frame_of(self._span) if self._span is not None else self._first_frame()
        if frame is None or self._is_after(frame):
            raise Rejected("damaged-media", "The video stream cannot be read to the place where it was cut.")
        return frame

    def _open(self, stack: contextlib.ExitStack) -> None:
        self._container = stack.enter_context(open_media(self._path, self._kind, self._limits))
        self.stream = choose_video(self._container, self._limits)
        _prepare(self.stream.codec_context, self._threads)
        self._reading = Reading(self._container, self.stream)
        self._packets = self._reading.packets()
        self.kept = [] if self._keeps else None
        self._decoded = self._decode()
        stack.callback(self._decoded.close)

    def _frame_of(self, span: Span) -> VideoFrame | None:
        """The first frame of the span that can be decoded; None if none does."""
        return next((frame for frame in self._decoded if frame.pts is not None and frame.pts >= span.begins), None)

    def _is_after(self, frame: VideoFrame) -> bool:
        end = None if self._span is None else self._span.end
        return end is not None and frame.pts is not None and frame.pts >= end

    def _first_frame(self) -> VideoFrame:
        """The first that is whole: before a key frame a decoder shows gray."""
        leading = enumerate(self._decoded)
        frame = next((one for number, one in leading if not one.is_corrupt or number == _MOST_LEADING), None)
        if frame is None:
            why = "none of its frames can be decoded" if self._damaged else "it has no frames"
            raise Rejected("damaged-media", f"The video stream is there, but {why}.")
        return frame

    def _decode(self) -> Generator[VideoFrame, None, None]:
        for packet in self._packets:
            self._keep(packet)
            yield from self._decode_packet(packet)

    def _keep(self, packet: Packet[Stream]) -> None:
        if self.kept is not None:
            self.kept.append(packet)
            if len(self.kept) > _MOST_KEPT:
                self.kept = None

    def _decode_packet(self, packet: Packet[Stream]) -> Iterator[VideoFrame]:
        self._damaged += packet.is_corrupt and self.is_own(packet.pts)
        try:
            frames = self.stream.codec_context.decode(packet)
        except av.error.MemoryError:
            raise
        except av.error.EOFError:
            return
        except av.error.FFmpegError:
            self._damaged += self.is_own(packet.pts)
            return
        for frame in frames:
            self._damaged += frame.is_corrupt and self.is_own(frame.pts)
            yield frame

    def _facts(self, first: VideoFrame, orientation: Orientation) -> VideoFacts:
        check_frame_size(first.width, first.height, self._limits)
        codec, stream = self.stream.codec_context, self.stream
        aspect = stream.sample_aspect_ratio or Fraction(1)
        rate = stream.average_rate or stream.guessed_rate or _USUAL_RATE
        unit = stream.time_base or Fraction(1, 1000)
        facts = facts_of(first, orientation, aspect, unit.as_integer_ratio(), rate.as_integer_ratio())
        return msgspec.structs.replace(
            facts,
            field_order=_FIELDS.get(codec.field_order, int(first.interlaced_frame)),
            frames_expected=stream.frames,
            duration_seconds=claimed_seconds(self._container, stream),
        )


def _prepare(codec: av.VideoCodecContext, threads: int) -> None:
    codec.thread_count = threads
    codec.thread_type = "AUTO"
    codec.flags |= Flags.output_corrupt
