"""Puts encoded parts and the sound of their source into one file, by copying packets: nothing is decoded or encoded."""

from __future__ import annotations

import contextlib
import heapq
import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, cast

import av
from av.stream import Discard

from services.ingest.admission import admit_file
from services.ingest.videos.demuxing import Reading, open_media, silence
from shared.model.errors import Misconfigured
from shared.model.media import SNIFF_BYTES, MediaKind, sniff

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from av.audio.stream import AudioStream
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet
    from av.stream import Stream
    from av.video.stream import VideoStream

    from services.ingest.limits import IngestLimits

_IN_MP4 = frozenset({"aac", "mp3", "ac3", "eac3", "alac", "opus", "flac"})
_IN_QUICKTIME = _IN_MP4 | {"pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_f32le", "pcm_u8"}
_NUT = b"nut/multimedia container\0"
_PART_DEMUXERS: dict[MediaKind | None, str] = {
    MediaKind.MP4: "mov",
    MediaKind.QUICKTIME: "mov",
    MediaKind.MATROSKA: "matroska",
}
_STREAM_WORDS = frozenset({"language", "title", "handler_name"})
_MUXERS = {MediaKind.MP4: "mp4", MediaKind.QUICKTIME: "mov", MediaKind.MATROSKA: "matroska"}
_NOT_OURS = frozenset({"major_brand", "minor_version", "compatible_brands", "encoder", "duration"})
"""Metadata that describe the old container and would be wrong in the new one."""
_MILLISECOND = Fraction(1, 1000)
_FINEST_SCALE = 100_000_000
"""Half an hour still counts in 38 of MP4's 64 bits."""
DIFFERENT = (
    "The parts of the video were encoded with different settings: change those of render's encoders while no job is "
    "open, and send the video again."
)
_REPORT_EVERY = 2000
"""Packets between two reports of progress."""


@dataclass(frozen=True, slots=True)
class _Sound:
    """The audio streams of a source, and what a file says of itself."""

    container: InputContainer | None
    streams: tuple[AudioStream, ...]

    @property
    def codecs(self) -> set[str]:
        return {stream.codec_context.codec.canonical_name for stream in self.streams}


def join(
    source: Path | None,
    parts: Sequence[Path],
    target: Path,
    *,
    limits: IngestLimits,
    cut_audio: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> MediaKind:
    """Write to `target` the video of `parts` one after the other, and the audio and metadata of `source`.

    parts: files of our own encoder with one H.264 stream each, the same settings in all, pts of the whole video.
    Writes MP4 (index first) if it can hold all audio, else QuickTime (PCM), else Matroska, whose times are whole
    milliseconds; returns which. cut_audio: leave out what begins after the video's end. progress: is told the number
    of packets written, now and then. Raises Rejected for a source that cannot be read, Misconfigured for parts that
    do not fit together.
    """
    silence()
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(_open_part(parts[0])).streams.video[0]
        sound = _open_sound(source, limits, stack)
        kind = _kind_for(sound.codecs)
        output = stack.enter_context(_create(target, kind, _movie_scale(first, sound)))
        video = _add_video(output, first)
        audio = {stream.index: _add_audio(output, stream) for stream in sound.streams}
        if sound.container is not None:
            output.metadata.update(_kept(sound.container.metadata))
        until = _end_of(parts) if cut_audio else None
        sources = (_film_packets(parts, first, video), _sound_packets(sound, audio, until))
        packets: Iterator[Packet[Stream]] = heapq.merge(*sources, key=_when)
        for count, packet in enumerate(packets):
            output.mux_one(packet)
            if count % _REPORT_EVERY == 0:
                progress(count)
    return kind


def _open_part(part: Path) -> InputContainer:
    with part.open("rb") as file:
        head = file.read(SNIFF_BYTES)
    demuxer = "nut" if head.startswith(_NUT) else _PART_DEMUXERS.get(sniff(head))
    if demuxer is None:
        raise Misconfigured(f"{part.name} is no part that our encoder writes.")
    return av.open(f"file:{part}", "r", format=demuxer, options={"protocol_whitelist": "file"})


def _open_sound(source: Path | None, limits: IngestLimits, stack: contextlib.ExitStack) -> _Sound:
    if source is None:
        return _Sound(None, ())
    container = stack.enter_context(open_media(source, admit_file(source, limits), limits))
    for stream in container.streams:
        stream.discard = Discard.default if stream.type == "audio" else Discard.all
    return _Sound(container, tuple(stream for stream in container.streams.audio if stream.codec_context is not None))


def _kind_for(codecs: set[str]) -> MediaKind:
    if codecs <= _IN_MP4:
        return MediaKind.MP4
    return MediaKind.QUICKTIME if codecs <= _IN_QUICKTIME else MediaKind.MATROSKA


def _movie_scale(film: VideoStream, sound: _Sound) -> int:
    """Units a second in which MP4 counts where a track begins: fine enough for the first pts of every track."""
    rates = [stream.codec_context.sample_rate for stream in sound.streams]
    unit = (film.time_base or _MILLISECOND).denominator
    exact = math.lcm(unit, *(rate for rate in rates if rate))
    return exact if exact <= _FINEST_SCALE else unit * math.ceil(1000 / unit)


def _create(target: Path, kind: MediaKind, movie_scale: int) -> OutputContainer:
    options = {} if kind is MediaKind.MATROSKA else {"movflags": "+faststart", "movie_timescale": str(movie_scale)}
    return av.open(f"file:{target}", "w", format=_MUXERS[kind], container_options=options)


def _add_video(output: OutputContainer, film: VideoStream) -> VideoStream:
    stream = output.add_stream_from_template(film, opaque=True)
    stream.metadata.update({key: value for key, value in film.metadata.items() if key == "language"})
    return stream


def _add_audio(output: OutputContainer, template: AudioStream) -> AudioStream:
    stream = output.add_stream_from_template(template)
    stream.metadata.update({key: value for key, value in template.metadata.items() if key in _STREAM_WORDS})
    stream.disposition = template.disposition
    return stream


def _kept(metadata: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in metadata.items() if key.lower() not in _NOT_OURS}


def _film_packets(parts: Sequence[Path], first: VideoStream, target: VideoStream) -> Iterator[Packet[Stream]]:
    """Every video packet, with decoding times that rise from part to part as they do within one.

    One part after the other is open: a long video has more of them than a process may have open files.
    """
    last: int | None = None
    for part in parts:
        with _open_part(part) as film:
            stream = film.streams.video[0]
            if (stream.codec_context.extradata, stream.time_base) != (first.codec_context.extradata, first.time_base):
                raise Misconfigured(DIFFERENT)
            for packet in film.demux(stream):
                if not packet.size:
                    continue
                if last is not None and packet.dts is not None and packet.dts <= last:
                    packet.dts = last + 1
                last = packet.dts
                packet.stream = target
                yield cast("Packet[Stream]", packet)


def _sound_packets(sound: _Sound, targets: dict[int, AudioStream], until: Fraction | None) -> Iterator[Packet[Stream]]:
    """Every audio packet that can be read and that begins before `until` seconds."""
    if sound.container is None or not sound.streams:
        return
    for packet in Reading(sound.container, *sound.streams).packets():
        if not packet.size or packet.pts is None:
            continue
        if until is not None and packet.pts * packet.time_base >= until:
            continue
        packet.stream = targets[packet.stream_index]
        yield packet


def _when(packet: Packet[Stream]) -> Fraction:
    ticks = packet.dts if packet.dts is not None else packet.pts
    return (ticks or 0) * packet.time_base


def _end_of(parts: Sequence[Path]) -> Fraction:
    """Where the last frame ends, in seconds; the last part is read through once more for it."""
    with _open_part(parts[-1]) as film:
        ends = [
            (packet.pts + (packet.duration or 0)) * packet.time_base
            for packet in film.demux(video=0)
            if packet.pts is not None
        ]
    return max(ends, default=Fraction(0))
