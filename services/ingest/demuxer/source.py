"""Demuxes a fetched source into coded packets, from a key frame on. It knows an open container, no network, no decoder.

One stream of video and at most one of AAC are read. Times are the source's, in 1/90000 of a second; they may jump.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Protocol

import av
import av.error

from services.ingest.demuxer.adts import AdtsFrame, has_header
from services.ingest.messages.source import TICKS, Kind, SoundFormat, SourceNotice, SourcePacket, VideoFormat
from services.ingest.videos.demuxing import Reading, choose_video
from shared.model.errors import Rejected
from shared.model.live import LiveCodec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream

    from services.ingest.limits import IngestLimits

SourceItem = VideoFormat | SoundFormat | SourcePacket | SourceNotice
_BUFFER_BYTES = 1 << 15
_READ = frozenset(codec.value for codec in LiveCodec if not codec.is_raw)
_AAC = "aac"
HOLD_SECONDS: Final = 2.0
"""At least so long, and until the next of them comes, the first pictures wait for the sound that goes with them to tell
its format, unless they are shown for as long: outputs that begin without it would have to begin anew with it."""
FRAGMENT_SECONDS: Final = 12.0
"""The same by the pictures' own times in what is fetched: whole fragments are stored there before their sound."""
_MOST_HELD_BYTES: Final = 16 << 20
"""Of pictures that wait for that, at most."""
_EARLIER_SECONDS: Final = 3.0
"""So long before the parent, which has counted `source_silence_seconds` since it asked for the source, pictures are no
longer waited for: connecting anew takes some of it, and the source's own fault is to be told."""


class ByteSource(Protocol):
    """What FFmpeg reads a container from, once, from front to back."""

    def read(self, size: int) -> bytes:
        """Up to `size` bytes as soon as there are some; none at the end."""
        ...


def open_source(
    what: str | ByteSource, container_format: str, options: dict[str, str], limits: IngestLimits
) -> InputContainer:
    """Open a URL of the tunnel, or what the parent fetched. Raises Rejected (`damaged-media`) if it cannot be read."""
    try:
        return av.open(
            what,
            "r",
            format=container_format,
            options=options,
            buffer_size=_BUFFER_BYTES,
            metadata_errors="replace",
            timeout=None if not isinstance(what, str) else (float(limits.source_silence_seconds),) * 2,
        )
    except av.error.MemoryError:
        raise
    except av.error.FFmpegError as error:
        raise Rejected("damaged-media", f"The source cannot be read: {error.strerror}.") from error


def source_items(
    what: str | ByteSource, container_format: str, options: dict[str, str], leg: int, limits: IngestLimits
) -> Iterator[SourceItem]:
    """What one leg has, from opening to its end. Raises as `open_source` and LiveSource do."""
    began = time.monotonic()
    with open_source(what, container_format, options, limits) as container:
        if not _begins_with_sound(what, container_format, container):
            yield from _items(what, container, leg, limits)
            return
    # Only now: who has no sound would be waited for as long, since an RTMP server does not say what there will be.
    left = limits.source_silence_seconds - (time.monotonic() - began) - _EARLIER_SECONDS
    patient = {**options, "analyzeduration": str(round(max(1.0, left) * 1_000_000))}
    with open_source(what, container_format, patient, limits) as container:
        yield from _items(what, container, leg, limits)


def _items(what: str | ByteSource, container: InputContainer, leg: int, limits: IngestLimits) -> Iterator[SourceItem]:
    source = LiveSource(container, leg, limits)
    if not source.has_sound:
        return source.items()
    return sound_first(source.items(), HOLD_SECONDS if isinstance(what, str) else FRAGMENT_SECONDS)


def sound_first(items: Iterator[SourceItem], shown_seconds: float) -> Iterator[SourceItem]:
    """The items, with the format of the sound before the first picture, where it comes soon after that.

    shown_seconds: by how much the pictures' times may advance meanwhile. Raises as `items`, after what has waited.
    """
    held: list[SourceItem] = []
    first: SourcePacket | None = None
    size, since = 0, time.monotonic()
    try:
        for item in items:
            if isinstance(item, SoundFormat):
                held.insert(1, item)  # behind the format of the pictures
                break
            if not held:
                since = time.monotonic()
            held.append(item)
            if isinstance(item, SourcePacket):
                first, size = first or item, size + len(item.body)
                if item.dts - first.dts >= shown_seconds * TICKS:
                    break
            if size > _MOST_HELD_BYTES or time.monotonic() - since > HOLD_SECONDS:
                break
    finally:
        yield from held  # also where the source breaks meanwhile
    yield from items


def _begins_with_sound(what: str | ByteSource, container_format: str, container: InputContainer) -> bool:
    """True where pictures may follow: an RTMP server gives sound at once, and pictures from a key frame on. An RTSP
    server has said by then which streams there are."""
    is_rtmp = isinstance(what, str) and container_format == "flv"
    return is_rtmp and bool(container.streams.audio) and not container.streams.video


class LiveSource:
    """One leg of a source: one container from its beginning to its end."""

    def __init__(self, container: InputContainer, leg: int, limits: IngestLimits) -> None:
        """Raises Rejected (`no-video`, `too-large`, `too-small`, `unsupported-media`)."""
        self._container, self._leg, self._limits = container, leg, limits
        self._video = choose_video(container, limits, "source")
        codec = self._video.codec_context.name
        if self._video.codec_context.codec.canonical_name not in _READ:
            raise Rejected("unsupported-media", f"The source's video is {codec}; read are {', '.join(sorted(_READ))}.")
        self._sound = next((one for one in container.streams.audio if _is_aac(one)), None)
        if self._sound is not None:
            self._sound.discard = av.stream.Discard.default
        self._sound_format: SoundFormat | None = None
        self._began = False
        self._expected = dict.fromkeys(Kind, 0)
        """Where a packet without any time goes."""

    @property
    def has_sound(self) -> bool:
        """Whether there is sound that is read."""
        return self._sound is not None

    def items(self) -> Iterator[SourceItem]:
        """Formats and packets in the source's order; the first packet is a key frame."""
        if self._container.streams.audio and self._sound is None:
            names = ", ".join(sorted({_name(stream) for stream in self._container.streams.audio}))
            yield SourceNotice("sound-left-out", f"The source's sound is left out: it is {names[:80]}, not AAC.")
        streams: list[Stream] = [self._video, *([self._sound] if self._sound is not None else [])]
        for packet in Reading(self._container, *streams).packets():
            if packet.size > self._limits.source_packet_bytes:
                most = self._limits.source_packet_bytes
                raise Rejected(
                    "too-demanding", f"A frame of the source has more than {most} bytes (source_packet_bytes)."
                )
            if packet.size:  # an empty one at the end flushes decoders; there is none here
                yield from self._of_video(packet) if packet.stream is self._video else self._of_sound(packet)

    def _of_video(self, packet: Packet[Stream]) -> Iterator[SourceItem]:
        if not self._began:
            if not packet.is_keyframe:
                return
            self._began = True
            if not packet.has_sidedata("new_extradata"):
                yield self._video_format()
        if packet.has_sidedata("new_extradata"):
            yield VideoFormat(self._codec, bytes(packet.get_sidedata("new_extradata")))
        yield self._packet(Kind.VIDEO, packet, bytes(packet), key=packet.is_keyframe)

    def _of_sound(self, packet: Packet[Stream]) -> Iterator[SourceItem]:
        if not self._began:
            return
        body = bytes(packet)
        said = self._sound_format_of(body)
        if has_header(body):
            body = AdtsFrame(body).body
        if said is None:
            return
        if said != self._sound_format:
            self._sound_format = said
            yield said
        yield self._packet(Kind.SOUND, packet, body, key=True)

    def _packet(self, kind: Kind, packet: Packet[Stream], body: bytes, *, key: bool) -> SourcePacket:
        unit = packet.time_base

        def ticks(value: int) -> int:
            return value * unit.numerator * TICKS // unit.denominator

        duration = ticks(max(0, packet.duration or 0))
        known = packet.dts if packet.dts is not None else packet.pts
        dts = ticks(known) if known is not None else self._expected[kind]
        pts = ticks(packet.pts) if packet.pts is not None else dts
        self._expected[kind] = dts + max(1, duration)
        return SourcePacket(kind, pts, dts, duration, key, body, self._leg)

    @property
    def _codec(self) -> str:
        return self._video.codec_context.codec.canonical_name

    def _video_format(self) -> VideoFormat:
        stream, codec = self._video, self._video.codec_context
        rate = stream.average_rate or stream.guessed_rate or 0
        return VideoFormat(
            codec=self._codec,
            header=bytes(codec.extradata or b""),
            width=codec.width,
            height=codec.height,
            rate=float(rate),
        )

    def _sound_format_of(self, body: bytes) -> SoundFormat | None:
        """None where the stream is not told of well enough to be used."""
        if self._sound is None:
            return None
        codec = self._sound.codec_context
        header = bytes(codec.extradata or b"")
        rate, channels = codec.sample_rate, codec.channels
        if has_header(body):
            frame = AdtsFrame(body)
            header, rate, channels = frame.config, frame.rate, frame.channels or channels
        return SoundFormat(_AAC, header, rate, channels) if header and rate and channels else None


def _is_aac(stream: AudioStream) -> bool:
    return _name(stream) == _AAC


def _name(stream: AudioStream) -> str:
    return stream.codec_context.codec.canonical_name if stream.codec_context is not None else "unknown"
