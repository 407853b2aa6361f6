"""Puts coded pictures and sound into containers as they are. The outputs' door to PyAV."""

from __future__ import annotations

import io
import struct
from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, cast

import av
import av.error

from services.render.encoding.clocks import SoundClock, exact_clock
from services.render.encoding.frames import RANGES
from shared.model.errors import Rejected, Unavailable
from shared.model.live import LiveCodec

if TYPE_CHECKING:
    from pathlib import Path

    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.stream import Stream
    from av.video.stream import VideoStream

    from services.render.encoding.packets import EncodedPacket, PictureTrack
    from shared.model.live import SoundOpened, SoundPacket

_RAW_DEMUXERS: Final = {LiveCodec.H264: "h264", LiveCodec.HEVC: "hevc"}
_IVF_NAMES: Final = {LiveCodec.AV1: b"AV01", LiveCodec.VP9: b"VP90"}
CARRIED: Final = frozenset({*_RAW_DEMUXERS, *_IVF_NAMES})
"""What HLS, RTMP and recordings can hold."""
SOUND: Final = "aac"
"""The only sound that all of them can hold."""
_CHANNELS: Final = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 8: "7.1"}


class Writable(Protocol):
    """What a muxer writes into: a file, or something like one."""

    def write(self, piece: bytes, /) -> int: ...


def refuse_uncarried(codec: LiveCodec) -> None:
    """Raises Rejected for a codec that no container of ours holds."""
    if codec not in CARRIED:
        names = ", ".join(sorted(CARRIED))
        raise Rejected(
            "unsupported-output", f"HLS, RTMP and recordings carry {names}, not {codec}: ask for one of these."
        )


class Tracks:
    """A track of pictures and perhaps one of sound, as they stand in a container's head.

    What the head says of the pictures is read from a key frame by FFmpeg's own parsers.
    """

    def __init__(self, picture: PictureTrack, first: EncodedPacket, sound: SoundOpened | None = None) -> None:
        """first: any key frame. Sound in other codecs than AAC is left out. Raises Rejected as `refuse_uncarried`."""
        refuse_uncarried(picture.codec)
        self.picture = picture
        self.sound = sound if sound is not None and sound.codec == SOUND and sound.channels in _CHANNELS else None
        self.sound_clock = SoundClock(sound.rate, picture.facts.time_base) if sound is not None else None
        self._template = av.open(io.BytesIO(_file_of(picture, first.body)), format=_demuxer(picture.codec))

    def add_picture(self, container: OutputContainer, clock: Fraction) -> VideoStream:
        """The pictures' stream in a new container, its times in units of `clock` seconds."""
        facts = self.picture.facts
        stream = container.add_stream_from_template(self._template.streams.video[0], opaque=True)
        context = stream.codec_context
        stream.time_base = clock
        context.sample_aspect_ratio = Fraction(*facts.sample_aspect)
        context.color_primaries, context.color_trc = facts.colour_primaries, facts.colour_transfer
        context.colorspace, context.color_range = facts.colour_matrix, RANGES[facts.colour.full_range]
        if self.picture.codec is LiveCodec.HEVC and container.format.name == "mp4":
            context.codec_tag = "hvc1"  # the only one that Apple's players take
        return stream

    def add_sound(self, container: OutputContainer) -> AudioStream | None:
        """The sound's stream, if there is sound."""
        if self.sound is None:
            return None
        stream = container.add_stream(SOUND, rate=self.sound.rate)
        # FFmpeg's encoder is opened for want of another way to name a stream's parameters; it encodes nothing.
        stream.codec_context.layout = _CHANNELS[self.sound.channels]
        stream.codec_context.open()
        stream.codec_context.extradata = self.sound.header
        stream.time_base = Fraction(1, self.sound.rate)
        return stream


class Muxer:
    """One container, written packet by packet. Errors of FFmpeg come through as they are (OSError, ValueError)."""

    def __init__(
        self, target: str | Writable, kind: str, tracks: Tracks, options: dict[str, str] | None = None, start: int = 0
    ) -> None:
        """target: a path or what can be written to. kind: FFmpeg's name of the muxer. start: the pts that becomes 0."""
        time_base = tracks.picture.facts.time_base
        self._ticks, scale = exact_clock(time_base)
        self._clock, self._start = Fraction(1, scale), start
        self._tracks = tracks
        scales = {"video_track_timescale": str(scale), "movie_timescale": str(scale)} if kind == "mp4" else {}
        self._file = av.open(cast("str", target), "w", format=kind, container_options={**scales, **(options or {})})
        self._picture = tracks.add_picture(self._file, self._clock)
        self._sound = tracks.add_sound(self._file)
        self._sound_start = round(start * Fraction(*time_base) * tracks.sound.rate) if tracks.sound else 0
        self._file.start_encoding()

    def write(self, packet: EncodedPacket) -> None:
        """Add a picture; they come in the order of their dts."""
        pts, dts = ((at - self._start) * self._ticks for at in (packet.pts, packet.dts))
        times = _Times(pts, dts, packet.duration * self._ticks, self._clock)
        self._mux(self._picture, packet.body, times, key=packet.key)

    def write_sound(self, packet: SoundPacket) -> None:
        """Add a piece of sound; nothing if the container has none."""
        if self._sound is None or self._tracks.sound is None or self._tracks.sound_clock is None:
            return
        at, duration = self._tracks.sound_clock.place(packet.pts, packet.duration)
        at -= self._sound_start
        self._mux(self._sound, packet.body, _Times(at, at, duration, Fraction(1, self._tracks.sound.rate)), key=True)

    def close(self) -> None:
        """Write what the container ends with."""
        self._file.close()

    def _mux(self, stream: Stream, body: bytes, times: _Times, *, key: bool) -> None:
        packet: av.Packet[Stream] = av.Packet(body)
        packet.pts, packet.dts, packet.duration, packet.time_base = times
        packet.is_keyframe, packet.stream = key, stream
        self._file.mux_one(packet)


def has_pictures(path: Path) -> bool:
    """Whether an MP4 of ours can be played; one that was broken off before its second key frame cannot.

    Raises Unavailable where that cannot be seen now.
    """
    try:
        with av.open(f"file:{path}", format="mp4", metadata_errors="replace") as file:
            return bool(file.streams.video)
    except (av.error.InvalidDataError, av.error.EOFError):
        return False
    except (av.error.FFmpegError, MemoryError) as error:
        raise Unavailable(f"The recording cannot be read: {error}") from error


class _Times(NamedTuple):
    pts: int
    dts: int
    duration: int
    unit: Fraction


def _demuxer(codec: LiveCodec) -> str:
    return _RAW_DEMUXERS.get(codec, "ivf")


def _file_of(track: PictureTrack, body: bytes) -> bytes:
    """One key frame as a file: Annex B is one already, the others get the head of IVF."""
    if track.codec in _RAW_DEMUXERS:
        return body
    width, height = (side + side % 2 for side in (track.facts.geometry.width, track.facts.geometry.height))
    head = struct.pack("<4sHH4sHHIIII", b"DKIF", 0, 32, _IVF_NAMES[track.codec], width, height, 1000, 1, 1, 0)
    return head + struct.pack("<IQ", len(body), 0) + body
