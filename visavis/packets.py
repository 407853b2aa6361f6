"""Coded frames of a user's own clip as a camera would send them, and a clip made of what comes back."""

from __future__ import annotations

import io
import struct
from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple, Self

import av
import av.error

from shared.model.errors import Rejected
from shared.model.live import LiveCodec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

    from av.container import OutputContainer
    from av.packet import Packet
    from av.stream import Stream
    from av.video.stream import VideoStream

CLOCK_HZ: Final = 90_000
USUAL_RATE, MOST_RATE = 30.0, 1000.0
CODED: Final = frozenset(codec for codec in LiveCodec if not codec.is_raw)
"""What a file's packets may be to be sent as they are."""
_RAW_DEMUXERS: Final = {LiveCodec.H264: "h264", LiveCodec.HEVC: "hevc"}
WRITTEN: Final = (*_RAW_DEMUXERS, LiveCodec.AV1)
"""What ClipWriter takes."""


class CodedFrame(NamedTuple):
    """One packet of a clip, in order of decoding."""

    pts: int
    """In units of CLOCK_HZ."""
    key: bool
    data: bytes
    at_seconds: float
    """When a camera would have sent it, from the first one on."""


class CodedClip:
    """The pictures of a video file, as they are coded there. A context manager."""

    def __init__(self, path: Path) -> None:
        """Raises Rejected (`unsupported-media`) if there is nothing in it that can be sent."""
        self._path = path
        try:
            self._rotation = _rotation_of(path)
            self._file = av.open(str(path))
        except av.error.FFmpegError as error:
            raise self._unread(error) from error
        self._stream = self._file.streams.video[0]
        name = self._stream.codec_context.codec.canonical_name
        if name not in CODED:
            self._file.close()
            there_are = ", ".join(sorted(CODED))
            raise Rejected("unsupported-media", f"{path} is coded as {name}: a live stream takes {there_are}.")
        self.codec = LiveCodec(name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    @property
    def name(self) -> str:
        """Of the file."""
        return self._path.name

    @property
    def width(self) -> int:
        """Pixels."""
        return self._stream.codec_context.width

    @property
    def height(self) -> int:
        """Pixels."""
        return self._stream.codec_context.height

    @property
    def rate(self) -> float:
        """Frames a second, about."""
        return min(float(self._stream.average_rate or self._stream.guessed_rate or USUAL_RATE), MOST_RATE)

    @property
    def seconds(self) -> float:
        """How long the file says that it lasts; 0 where it does not say."""
        return (self._file.duration or 0) / 1_000_000

    @property
    def header(self) -> bytes:
        """What a decoder needs before the first packet and the packets do not have; empty for none."""
        return bytes(self._stream.codec_context.extradata or b"")

    @property
    def rotation(self) -> int:
        """Degrees, counterclockwise, by which frames are to be turned to be seen upright."""
        return self._rotation

    @property
    def has_sound(self) -> bool:
        """Whether there is more than pictures."""
        return bool(self._file.streams.audio)

    def frames(self) -> Iterator[CodedFrame]:
        """Every packet in order of decoding. Raises Rejected where the file is damaged."""
        first: float | None = None
        try:
            for packet in self._file.demux(self._stream):
                if not packet.size or packet.pts is None:
                    continue
                known = packet.pts if packet.dts is None else packet.dts
                seconds = float(known * packet.time_base)
                first = seconds if first is None else first
                pts = round(packet.pts * packet.time_base * CLOCK_HZ)
                yield CodedFrame(pts, packet.is_keyframe, bytes(packet), max(0.0, seconds - first))
        except av.error.FFmpegError as error:
            raise self._unread(error) from error

    def _unread(self, error: av.error.FFmpegError) -> Rejected:
        return Rejected("unsupported-media", f"{self._path} cannot be read: {error.strerror}.")


class ClipWriter:
    """An MP4 file, frame by frame as they come. A context manager; what the pictures are is read from the first one."""

    def __init__(self, path: Path, codec: LiveCodec, size: tuple[int, int], rotation: int = 0) -> None:
        """codec: one of WRITTEN. size: of the frames, width and height. rotation: as CodedClip has it."""
        self._path, self._codec, self._size, self._rotation = path, codec, size, rotation
        self._opened: tuple[OutputContainer, VideoStream] | None = None
        self._last: int | None = None
        self.frames = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._opened is not None:
            self._opened[0].close()

    def write(self, pts: int, dts: int, data: bytes, *, key: bool) -> None:
        """The next frame, in order of decoding; times in units of CLOCK_HZ. The first one is a key frame."""
        file, stream = self._opened or self._open(data)
        packet: Packet[Stream] = av.Packet(data)
        packet.pts, packet.dts, packet.time_base = pts, dts, Fraction(1, CLOCK_HZ)
        packet.is_keyframe, packet.stream = key, stream
        if self._last is not None:
            packet.duration = dts - self._last  # only that of the last one counts, which nothing follows
        self._last = dts
        file.mux_one(packet)
        self.frames += 1

    def _open(self, first: bytes) -> tuple[OutputContainer, VideoStream]:
        demuxer = _RAW_DEMUXERS.get(self._codec, "ivf")
        template = av.open(io.BytesIO(first if demuxer != "ivf" else self._ivf(first)), format=demuxer)
        options = {"video_track_timescale": str(CLOCK_HZ)}
        file = av.open(str(self._path), "w", format="mp4", container_options=options)
        stream = file.add_stream_from_template(template.streams.video[0], opaque=True)
        stream.time_base = Fraction(1, CLOCK_HZ)
        if self._codec is LiveCodec.HEVC:
            stream.codec_context.codec_tag = "hvc1"  # the only one that Apple's players take
        if self._rotation:
            stream.set_display_rotation(self._rotation)
        self._opened = file, stream
        return self._opened

    def _ivf(self, first: bytes) -> bytes:
        """One key frame with the head of a file before it, from which FFmpeg's parser reads the rest."""
        head = struct.pack("<4sHH4sHHIIII", b"DKIF", 0, 32, b"AV01", *self._size, CLOCK_HZ, 1, 1, 0)
        return head + struct.pack("<IQ", len(first), 0) + first


def _rotation_of(path: Path) -> int:
    """What only a decoded frame tells. Raises Rejected if there is none."""
    with av.open(str(path)) as file:
        if not file.streams.video:
            raise Rejected("unsupported-media", f"{path} has no video.")
        for frame in file.decode(video=0):
            return frame.rotation
    raise Rejected("unsupported-media", f"{path} has no frames.")
