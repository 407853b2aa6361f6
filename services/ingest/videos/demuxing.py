"""Opening media with FFmpeg so that it reads this one file in this one format, and reading on past what is damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import av.error
from av.stream import Discard, Disposition

from services.ingest.admission import check_frame_size, check_length
from shared.model.errors import Rejected
from shared.model.media import MediaKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream
    from av.video.stream import VideoStream

    from services.ingest.limits import IngestLimits

_DEMUXERS = {
    MediaKind.MP4: "mov",
    MediaKind.QUICKTIME: "mov",
    MediaKind.MATROSKA: "matroska",
    MediaKind.WEBM: "matroska",
    MediaKind.AVI: "avi",
    MediaKind.GIF: "gif",
}
"""FFmpeg is told which one to use; it never guesses, so that a playlist named .mp4 stays unread."""
_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,gif"
_MOST_READ_ERRORS = 16
"""Read errors in a row after which the rest of a file is given up."""
_CODED_SLACK = 2
"""FFmpeg's own pixel limit is on coded sizes, which are padded to whole blocks; ours is on what is shown."""


def silence() -> None:
    """Keep FFmpeg's own log lines off stderr; what matters in them comes as exceptions."""
    av.logging.set_level(None)
    av.logging.set_libav_level(av.logging.PANIC)


def open_media(path: Path, kind: MediaKind, limits: IngestLimits) -> InputContainer:
    """Open `path` as `kind`, with no other protocol than local files and no other format.

    Raises Rejected (`damaged-media`) if FFmpeg cannot read its headers.
    """
    options = {
        "protocol_whitelist": "file",
        "format_whitelist": _FORMATS,
        "max_pixels": str(limits.max_pixels * _CODED_SLACK),
        "max_streams": "64",
    }
    try:
        container = av.open(f"file:{path}", "r", format=_DEMUXERS[kind], options=options, metadata_errors="replace")
    except av.error.MemoryError:
        raise
    except av.error.FFmpegError as error:
        raise Rejected("damaged-media", f"The file cannot be read as {kind}: {error.strerror}.") from error
    return container


def choose_video(container: InputContainer, limits: IngestLimits, what: str = "file") -> VideoStream:
    """The video stream to read; all others are skipped while reading. what: it is, in a word.

    Raises Rejected (`no-video`, `too-large`, `too-small`, `too-long`, `unsupported-media`).
    """
    films = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not films:
        raise Rejected(
            "no-video", f"The {what} has no video stream" + (", only sound." if container.streams.audio else ".")
        )
    chosen = max(films, key=lambda stream: (bool(stream.disposition & Disposition.default), -stream.index))
    if chosen.codec_context is None:
        raise Rejected("unsupported-media", "The video stream is in a format for which there is no decoder.")
    if chosen.width and chosen.height:
        check_frame_size(chosen.width, chosen.height, limits)
    check_length(chosen.frames, claimed_seconds(container, chosen), limits)
    for stream in container.streams:
        stream.discard = Discard.default if stream is chosen else Discard.all
    chosen.codec_context.options = {"max_pixels": str(limits.max_pixels * _CODED_SLACK)}
    return chosen


def claimed_seconds(container: InputContainer, stream: Stream) -> float:
    """What the container says that the stream lasts; 0 where it says nothing."""
    if stream.duration and stream.time_base:
        return max(0.0, float(stream.duration * stream.time_base))
    return max(0.0, (container.duration or 0) / av.time_base)


def count_images(path: Path, limits: IngestLimits) -> None:
    """Refuse an animated GIF with too many frames by counting its packets, without decoding one.

    Raises Rejected (`too-long`).
    """
    with open_media(path, MediaKind.GIF, limits) as container:
        for count, packet in enumerate(Reading(container, container.streams.video[0]).packets()):
            if packet.size and count >= limits.max_animation_frames:
                most = limits.max_animation_frames
                raise Rejected("too-long", f"The animation has more than {most} frames (max_animation_frames).")


class Reading:
    """The packets of some streams of a file, in file order, reading on past damage."""

    def __init__(self, container: InputContainer, *streams: Stream) -> None:
        self._container, self._streams = container, streams
        self.damaged = 0
        """Places where the file could not be read."""
        self.gave_up = False
        """True if the rest of the file was left unread."""

    def packets(self) -> Iterator[Packet[Stream]]:
        """Each packet, at the end one empty packet for each stream, which flushes its decoder."""
        errors = 0
        while errors < _MOST_READ_ERRORS:
            try:
                for packet in self._container.demux(self._streams):
                    errors = 0
                    yield packet
            except av.error.MemoryError:
                raise
            except av.error.FFmpegError:
                errors += 1
                self.damaged += 1
            else:
                return
        self.gave_up = True
