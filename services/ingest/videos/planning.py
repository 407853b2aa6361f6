"""Cuts a video into segments that can be done by themselves: at key frames, a few seconds each.

The cut of two parts lies some frames after the key frame that the later one is read from. Those frames are decoded for
both: the earlier part draws them, the later one learns from them where the faces are and how they move.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from services.ingest.admission import admit_file
from services.ingest.videos.demuxing import Reading, choose_video, open_media
from services.ingest.videos.file import VideoFile
from services.ingest.videos.wholeness import missing_bytes
from shared.model.media import MediaKind, Plan, Span

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from av.packet import Packet
    from av.stream import Stream
    from numpy.typing import NDArray

    from services.ingest.limits import IngestLimits

LEAST_SECONDS: Final = 2.0
"""A shorter segment would be hardly more than its warm-up."""
_CUT_KINDS = frozenset({MediaKind.MP4, MediaKind.QUICKTIME, MediaKind.MATROSKA, MediaKind.WEBM})
"""Whose packets say when they are shown."""
_CUT_CODECS = frozenset({"h264", "hevc", "vp9", "av1"})
"""Of which a packet is a frame, and a key frame a place to begin."""
_REPORT_EVERY = 5000
"""Packets between two reports of progress."""


def plan_video(
    path: Path, limits: IngestLimits, seconds: float, warm_seconds: float, progress: Callable[[], None]
) -> Plan:
    """Facts of the video, and where to cut it.

    seconds: that a segment is to last at most, where key frames allow it; 0: nothing is cut. warm_seconds: that its
    warm-up lasts at least. progress: is called now and then. A video that is damaged, or whose packets do not say
    clearly when they are shown, is not cut. Raises Rejected as VideoFile does.
    """
    with VideoFile(path, limits) as video:
        facts = video.facts
    if seconds <= 0 or (found := _scan(path, limits, progress)) is None:
        return Plan(facts=facts)
    numerator, denominator = facts.time_base
    tick = numerator / denominator
    return Plan(facts=facts, spans=cut(*found, round(seconds / tick), round(warm_seconds / tick), LEAST_SECONDS / tick))


def cut(pts: NDArray[np.int64], keys: NDArray[np.int64], longest: int, warm: int, shortest: float) -> tuple[Span, ...]:
    """The segments of a video; none if it is not worth cutting.

    pts: of its frames, growing, shape (n,). keys: of its key frames, growing. longest, warm, shortest: as `plan_video`
    has them, in units of the pts.
    """
    firsts, last = [int(pts[0])], int(pts[-1])
    while last - firsts[-1] > longest:
        # A segment is as long as its key frames allow; the next key frame makes it longer where there is none before.
        later = keys[(keys >= firsts[-1] + max(shortest, 1)) & (keys <= last - shortest - warm)]
        if not len(later):
            break
        fitting = later[later <= firsts[-1] + longest]
        firsts.append(int(fitting[-1] if len(fitting) else later[0]))
    if len(firsts) == 1:
        return ()
    begins = np.searchsorted(pts, firsts)
    starts = np.searchsorted(pts, np.array(firsts) + warm)
    starts[0] = 0
    ends = [*starts[1:], len(pts)]
    return tuple(
        Span(
            begins=int(pts[begin]),
            start=int(pts[start]),
            end=int(pts[end]) if end < len(pts) else None,
            first=int(begin),
            warm=int(start - begin),
            frames=int(end - start),
        )
        for begin, start, end in zip(begins, starts, ends, strict=True)
    )


def _scan(
    path: Path, limits: IngestLimits, progress: Callable[[], None]
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Times of all frames and of the key frames, growing; None for a video that is not to be cut."""
    kind = admit_file(path, limits)
    if kind not in _CUT_KINDS or missing_bytes(path, kind):
        return None
    pts: list[int] = []
    keys: list[int] = []
    with open_media(path, kind, limits) as container:
        stream = choose_video(container, limits)
        if stream.codec_context.codec.canonical_name not in _CUT_CODECS:
            return None
        reading = Reading(container, stream)
        for packet in reading.packets():
            if not packet.size:
                continue
            if not _is_plain(packet) or len(pts) >= limits.max_frames:
                return None
            pts.append(packet.pts or 0)
            if packet.is_keyframe:
                keys.append(packet.pts or 0)
            if len(pts) % _REPORT_EVERY == 0:
                progress()
        if reading.damaged:
            return None
    times = np.sort(np.array(pts, np.int64))
    if len(times) < 2 or not keys or keys[0] != times[0] or np.any(np.diff(times) <= 0):
        return None
    return times, np.sort(np.array(keys, np.int64))


def _is_plain(packet: Packet[Stream]) -> bool:
    return packet.pts is not None and not packet.is_corrupt and not packet.is_discard
