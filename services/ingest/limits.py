"""What hostile or merely huge media may cost. Every bound has the name of the setting that changes it."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from shared.model.assets import MOST_FRAMES, MOST_LUT_SIZE, MOST_PIXELS

_BYTES_A_PIXEL, _BYTES_AN_ENTRY = 4, 12
_SLACK_BYTES = 1 << 16
"""What a prepared asset has beside its samples: names, sizes, durations."""


def _bounded(low: int, high: int, sentence: str) -> Any:
    return msgspec.Meta(ge=low, le=high, description=sentence)


class IngestLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of one upload and of the child process that reads it. Field names are names of settings."""

    max_file_bytes: Annotated[int, _bounded(1, 1 << 40, "Bytes of one video file.")] = 2 << 30
    max_pixels: Annotated[int, _bounded(256, 1 << 27, "Pixels of one video frame.")] = 4096 * 2304
    max_seconds: Annotated[int, _bounded(1, 86_400, "Seconds that one video may last.")] = 1800
    max_frames: Annotated[int, _bounded(1, 10_000_000, "Frames of one video.")] = 120_000
    max_animation_frames: Annotated[int, _bounded(1, 1_000_000, "Frames of one animated GIF.")] = 2000
    max_still_bytes: Annotated[int, _bounded(1, 1 << 30, "Bytes of one still picture.")] = 32 << 20
    max_still_pixels: Annotated[int, _bounded(256, 1 << 28, "Pixels of one still picture.")] = 25_000_000
    max_asset_bytes: Annotated[int, _bounded(1, 1 << 30, "Bytes of one uploaded asset.")] = 16 << 20
    max_asset_pixels: Annotated[int, _bounded(1, MOST_PIXELS, "Pixels of one asset's picture.")] = 2048 * 2048
    max_asset_frames: Annotated[int, _bounded(1, MOST_FRAMES, "Frames of one animated asset.")] = 64
    max_asset_total_pixels: Annotated[
        int, _bounded(1, MOST_PIXELS, "Pixels of one animated asset, all frames together.")
    ] = 4096 * 4096
    max_lut_size: Annotated[int, _bounded(2, MOST_LUT_SIZE, "Entries along one side of a colour LUT.")] = MOST_LUT_SIZE
    min_side: Annotated[int, _bounded(1, 4096, "Pixels of the shorter side of a picture or frame, at least.")] = 16
    decoder_memory_bytes: Annotated[
        int, _bounded(1 << 20, 1 << 38, "Memory that a decoder may take on top of the frame pool.")
    ] = 1 << 30
    decoder_cpu_seconds: Annotated[int, _bounded(1, 86_400, "Processor time that one decoder may use.")] = 1800
    decoder_stall_seconds: Annotated[
        int, _bounded(1, 3600, "Seconds that a decoder may be silent although it has a free slot to write to.")
    ] = 20
    decoder_niceness: Annotated[int, _bounded(0, 19, "How far a video's decoder stands back for other processes.")] = 5
    decoder_threads: Annotated[int, _bounded(1, 64, "Threads of one video decoder.")] = 2
    source_seconds: Annotated[int, _bounded(1, 2_592_000, "Seconds that one source is fetched for.")] = 86_400
    source_bytes: Annotated[int, _bounded(1, 1 << 50, "Bytes that are fetched from one source.")] = 1 << 40
    source_playlist_bytes: Annotated[int, _bounded(64, 1 << 22, "Bytes of one playlist of a source.")] = 1 << 18
    source_segments: Annotated[int, _bounded(1, 100_000, "Segments in one playlist of a source.")] = 5000
    source_segment_bytes: Annotated[int, _bounded(1, 1 << 36, "Bytes of one segment or file of a source.")] = 2 << 30
    source_packet_bytes: Annotated[int, _bounded(1024, 1 << 26, "Bytes of one coded frame of a source.")] = 8 << 20
    source_redirects: Annotated[int, _bounded(0, 20, "Redirects in a row that are followed.")] = 5
    source_connect_seconds: Annotated[int, _bounded(1, 300, "Seconds to look up a source's host and connect.")] = 10
    source_stall_seconds: Annotated[int, _bounded(1, 600, "Seconds without a frame after which a client is told.")] = 5
    source_silence_seconds: Annotated[
        int, _bounded(1, 3600, "Seconds without a frame after which a source is connected to anew.")
    ] = 15
    source_retries: Annotated[
        int, _bounded(0, 10_000, "Times in a row that a source is connected to anew without a frame.")
    ] = 10

    def __post_init__(self) -> None:
        """Refuse what is out of bounds also where the value was made in code: msgspec checks it in decoding only."""
        for field in msgspec.structs.fields(self):
            _check(field.name, getattr(self, field.name), field.type)

    @property
    def most_prepared_bytes(self) -> int:
        """Bytes that a prepared asset may have at most."""
        pixels = max(self.max_asset_pixels, self.max_asset_total_pixels)
        return max(_BYTES_A_PIXEL * pixels, _BYTES_AN_ENTRY * self.max_lut_size**3) + _SLACK_BYTES


def _check(name: str, value: int, annotation: object) -> None:
    meta = getattr(annotation, "__metadata__", (None,))[0]
    if isinstance(meta, msgspec.Meta):
        low, high = int(meta.ge or 0), int(meta.le or 0)
        if not low <= value <= high:
            raise ValueError(f"{name} is {value}; it must be between {low} and {high}.")
