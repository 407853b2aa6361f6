"""Encodes drawn pictures one by one for those who watch them now.

Milliseconds a picture with low delay at quality 0.6, median, with one thread and with two (2 cores, both in use):

               640x480      1280x720     a key frame of 1280x720
    H.264      3.0   2.1    8.7   6.1     10    7
    HEVC        12   7.5     39    22    116   54
    AV1        6.2   6.5    9.2   8.7     43   44
    VP9        4.0   2.8     11   6.7     18   13
    MJPEG      2.0   1.4    5.2   3.1
    i420       0.1          0.2
    nv12       0.1          0.3
    rgb24      0.7          1.3
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final, Protocol, cast

import av
import av.error
from av.codec.context import Flags, ThreadType
from av.video.frame import PictureType

from services.render.chroma import split
from services.render.copies import on_host
from services.render.encoding.codec_settings import GOP_FRAMES, X264_PRESET, settings_of
from services.render.encoding.frames import PIXELS, configure, frame_of, refuse_packed
from services.render.encoding.jpeg_colours import JpegColours
from services.render.encoding.packets import EncodedPacket, PictureTrack
from services.render.encoding.raw_samples import samples_of
from shared.model.errors import Rejected
from shared.model.live import LiveCodec
from shared.model.pictures import PixelFormat

if TYPE_CHECKING:
    from collections.abc import Iterable

    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext
    from av.video.stream import VideoStream

    from services.render.copies import Copy
    from shared.model.live import LiveOutput
    from shared.model.media import VideoFacts


MOST_RATE: Final = 240
"""Frames a second; SVT-AV1 does not open for 1000."""
MOST_ASPECT: Final = 16
"""Longer side to shorter one. SVT-AV1 4.0 waits for itself for ever with 8190x16."""
FULL_RANGE: Final = 2
"""FFmpeg's AVCOL_RANGE_JPEG."""
JFIF_MATRIX: Final = 5
"""ITU-T H.273's number."""
_OF_NV12: Final = {"libx264"}
"""Encoders that take Cb and Cr in turn; for the others they are told apart."""


class Coder(Protocol):
    """What encodes for a `LiveEncoder`, which decides when there are key frames."""

    @property
    def made_by(self) -> str:
        """`cpu`, or `nvenc` where an encoder of the card does it, at the moment."""
        ...

    @property
    def header(self) -> bytes:
        """As of `LiveEncoder`, at the moment."""
        ...

    def encode(self, picture: Copy, pts: int, duration: int, key: bool) -> list[EncodedPacket]:
        """As of `LiveEncoder`; `key` says what comes."""
        ...

    def flush(self) -> list[EncodedPacket]:
        """As of `LiveEncoder`."""
        ...


class LiveEncoder:
    """Pictures (i420 or nv12) in, packets out, every pts as given.

    With low delay each picture's packet comes from the call that it was given to. H.264 and HEVC come as Annex B with
    parameter sets, AV1 with its sequence header, before every key frame: who joins there needs nothing else.
    """

    def __init__(
        self,
        facts: VideoFacts,
        output: LiveOutput,
        threads: int = 0,
        *,
        x264_preset: str = X264_PRESET,
        coder: Coder | None = None,
    ) -> None:
        """threads: of the encoder; 0 leaves it to the encoder. Frames are encoded as progressive whatever they were.

        coder: made for the same; None: the CPU's, of which threads and x264_preset are told.
        Raises Rejected (`unsupported-output`) where the encoder does not take such pictures.
        """
        refuse_packed(facts)
        self._facts, self._output = facts, output
        self._coder = coder or cpu_coder(facts, output, threads, x264_preset)
        self._keys = _KeyFrames(facts, output)
        self._last: int | None = None

    @property
    def made_by(self) -> str:
        """`cpu`, or `nvenc`: what encodes at the moment."""
        return self._coder.made_by

    @property
    def header(self) -> bytes:
        """What containers want before the packets (FFmpeg's extradata), from the beginning; empty where there is none.

        Annex B parameter sets for H.264 and HEVC, the sequence header for AV1. Where another encoder takes over, with a
        key frame, it is that one's.
        """
        return self._coder.header

    @property
    def track(self) -> PictureTrack:
        """What outputs are told before the first packet, and before the first one of another encoder."""
        return PictureTrack(self._output.codec, self._facts, self.header)

    def encode(self, picture: Copy, pts: int, duration: int, *, key: bool = False) -> list[EncodedPacket]:
        """Encode the next picture (as large as the facts say); its memory may be used again on return.

        pts, duration: in the facts' time base; pts grow from call to call. key: have it stand for itself.
        """
        if picture.geometry != self._facts.geometry:
            raise ValueError(f"a picture of {picture.geometry} came for an encoder of {self._facts.geometry}")
        if self._last is not None and pts <= self._last:
            raise ValueError(f"pts {pts} came after {self._last}")
        self._last = pts
        return self._coder.encode(picture, pts, duration, self._keys.decide(pts, duration, wanted=key))

    def flush(self) -> list[EncodedPacket]:
        """What the encoder still holds. Nothing can be encoded afterwards."""
        return self._coder.flush()


def cpu_coder(facts: VideoFacts, output: LiveOutput, threads: int, x264_preset: str = X264_PRESET) -> Coder:
    """One that takes pictures of the host. Raises Rejected as `LiveEncoder` does."""
    return _Raw(output.codec) if output.codec.is_raw else _Coder(facts, output, threads, x264_preset)


class _KeyFrames:
    """Decides which frames stand for themselves: by time, so that it does not matter how many frames there are."""

    def __init__(self, facts: VideoFacts, output: LiveOutput) -> None:
        unit = Fraction(*facts.time_base)
        self._interval = Fraction(output.key_interval_seconds) / unit
        self._usual_duration = 1 / Fraction(*facts.frame_rate) / unit
        self._all = output.codec.is_intra
        self._last: int | None = None

    def decide(self, pts: int, duration: int, *, wanted: bool) -> bool:
        """True for a frame after which the next one would come too late."""
        next_pts = pts + (duration if duration > 0 else self._usual_duration)
        if self._all or wanted or self._last is None or next_pts - self._last > self._interval:
            self._last = pts
            return True
        return False


def _refuse_odd_shape(codec: LiveCodec, facts: VideoFacts) -> None:
    sides = facts.geometry.width, facts.geometry.height
    if codec is LiveCodec.AV1 and max(sides) > MOST_ASPECT * min(sides):
        raise Rejected("unsupported-output", _cannot(codec, facts))


def _cannot(codec: LiveCodec, facts: VideoFacts) -> str:
    size = f"{facts.geometry.width} x {facts.geometry.height}"
    return f"Pictures of {size} cannot be coded as {codec}: choose another codec for the output."


class _Coder:
    """One of FFmpeg's encoders."""

    made_by = "cpu"

    def __init__(self, facts: VideoFacts, output: LiveOutput, threads: int, x264_preset: str) -> None:
        settings = settings_of(output, threads, x264_preset)
        self._clock = Fraction(*facts.time_base)
        self._colours = JpegColours(facts.colour) if output.codec is LiveCodec.MJPEG else None
        self._context = cast("VideoCodecContext", av.CodecContext.create(settings.encoder, "w"))
        configure(self._context, facts, self._clock)
        self._context.framerate = min(
            Fraction(*facts.frame_rate), Fraction(MOST_RATE)
        )  # of use for the rate control only
        self._context.gop_size = GOP_FRAMES
        self._context.thread_count, self._context.thread_type = threads, ThreadType.SLICE
        self._context.flags |= Flags.global_header
        if self._colours is not None:
            self._context.color_range, self._context.colorspace = FULL_RANGE, JFIF_MATRIX
        takes_turns = facts.geometry.format is PixelFormat.NV12 and settings.encoder in _OF_NV12
        self._pixels = PIXELS[PixelFormat.NV12] if takes_turns else settings.pixels
        self._context.pix_fmt = self._pixels
        self._context.options = settings.options
        _refuse_odd_shape(output.codec, facts)
        try:
            self._context.open()
        except av.error.FFmpegError as error:
            raise Rejected("unsupported-output", _cannot(output.codec, facts)) from error
        self.header = bytes(self._context.extradata or b"")
        # The others give packets in the order of their frames; libvpx counts in 100 ns and knows no pts that is finer.
        self._reorders = output.codec in {LiveCodec.H264, LiveCodec.HEVC}
        self._durations: dict[int, int] = {}

    def encode(self, picture: Copy, pts: int, duration: int, key: bool) -> list[EncodedPacket]:
        picture = on_host(picture)
        if picture.geometry.format is PixelFormat.NV12 and self._pixels != PIXELS[PixelFormat.NV12]:
            picture = split(picture)
        frame = frame_of(picture if self._colours is None else self._colours.converted(picture), self._pixels)
        frame.pts, frame.duration, frame.time_base = pts, duration, self._clock
        frame.pict_type = PictureType.I if key else PictureType.NONE
        self._durations[pts] = duration
        return self._packets(self._context.encode(frame))

    def flush(self) -> list[EncodedPacket]:
        return self._packets(self._context.encode(None))

    def _packets(self, packets: Iterable[Packet[VideoStream]]) -> list[EncodedPacket]:
        return [self._packet(packet) for packet in packets]

    def _packet(self, packet: Packet[VideoStream]) -> EncodedPacket:
        if packet.pts is None or packet.dts is None:
            raise ValueError("the encoder gave a packet without a time")
        pts, dts = (packet.pts, packet.dts) if self._reorders else (next(iter(self._durations)),) * 2
        return EncodedPacket(bytes(packet), pts, dts, self._durations.pop(pts), packet.is_keyframe)


class _Raw:
    """Samples as they are."""

    made_by = "cpu"
    header = b""

    def __init__(self, codec: LiveCodec) -> None:
        self._codec = codec

    def encode(self, picture: Copy, pts: int, duration: int, key: bool) -> list[EncodedPacket]:
        return [EncodedPacket(samples_of(on_host(picture), self._codec), pts, pts, duration, key)]

    def flush(self) -> list[EncodedPacket]:
        return []
