"""What runs in a decoder process: one task, under limits, then the end. It knows a socket and a mapped pool only."""

from __future__ import annotations

import contextlib
import importlib
import io
import mmap
import os
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from PIL import Image

from services.ingest import confinement
from services.ingest.confined.live_forwarding import LiveForwarding
from services.ingest.confined.live_reading import LiveReading
from services.ingest.demuxer.process import read_source
from services.ingest.limits import IngestLimits
from services.ingest.messages.coded import PacketsWanted
from services.ingest.messages.decoder import (
    AssetRead,
    DecodedFrame,
    Finished,
    GoesOn,
    Join,
    Joined,
    PlanVideo,
    ReadAsset,
    ReadLive,
    ReadStill,
    ReadVideo,
    Refused,
    SlotGrant,
    StillOpened,
    Task,
    VideoOpened,
    VideoPlanned,
    framed,
    receive_request,
)
from services.ingest.messages.source import ReadSource
from services.ingest.pictures.asset import read_asset
from services.ingest.pictures.still import StillPicture
from services.ingest.videos.coded import CodedVideo
from services.ingest.videos.demuxing import silence
from services.ingest.videos.file import VideoFile
from services.ingest.videos.joining import join
from services.ingest.videos.live import LiveDecoder
from services.ingest.videos.planning import plan_video
from shared.model import assets
from shared.model.errors import Misconfigured, Rejected
from shared.model.media import DecodeSummary
from shared.model.pictures import Picture

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from services.ingest.messages.decoder import Reply, Request
    from shared.model.pictures import Colour, Geometry

_LOADED_LATE = (
    "PIL.GifImagePlugin",
    "PIL.JpegImagePlugin",
    "PIL.MpoImagePlugin",
    "PIL.PngImagePlugin",
    "PIL.WebPImagePlugin",
    "av.subtitles.stream",
    "encodings.idna",
)
_WARM_BYTES = 8 << 20
"""What decoding a picture of a million pixels takes, about; the allocator keeps it."""
_MADV_POPULATE_WRITE = 23  # include/uapi/asm-generic/mman-common.h, since Linux 5.14
_JOIN_SLACK_BYTES = 64 << 20
"""A joined file is no larger than what it is made of, save for its index."""


class DecoderProcess:
    """Serves the one task that comes over `connection`."""

    def __init__(self, connection: socket.socket, pool: mmap.mmap, limits: IngestLimits) -> None:
        self._connection, self._pool, self._limits = connection, pool, limits

    def get_ready(self, samples: Sequence[bytes]) -> None:
        """Touch, while nobody waits, the memory that a first picture needs: a page fault costs a microsecond or two.

        samples: small pictures of our own.
        """
        touched = bytearray(_WARM_BYTES)
        touched[:: mmap.PAGESIZE] = b"\x01" * (_WARM_BYTES // mmap.PAGESIZE)
        del touched
        for sample in samples:
            still = StillPicture(sample, IngestLimits())
            still.write_into(Picture.blank(still.facts.geometry, still.facts.colour))

    def serve(self) -> None:
        """Wait for the task, do it, answer. Returns when the parent has hung up."""
        confinement.bound(self._limits)
        try:
            task = receive_request(self._connection)
            if not isinstance(task, Task):
                raise TypeError("something else before the task")
            confinement.bound_files(_most_written(task, self._limits))
            if not isinstance(task, ReadSource):  # which speaks to a loopback of its own
                confinement.refuse_sockets()
            if not isinstance(task, ReadLive | ReadSource):
                confinement.bound_time(self._limits)
            if not isinstance(task, ReadStill | ReadLive | ReadSource):
                os.nice(self._limits.decoder_niceness)
            self._answer(task)
            while True:  # grants may still be on their way; closing now would lose the last reply with them
                receive_request(self._connection)
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return

    def _answer(self, task: Task) -> None:
        try:
            self._do(task)
        except Rejected as error:
            refusal = Refused(error.code, error.detail)
        except Misconfigured as error:  # parts that do not fit together
            refusal = Refused("internal", str(error))
        except MemoryError:
            most = self._limits.decoder_memory_bytes
            detail = f"Reading it takes more than {most} bytes of memory (decoder_memory_bytes)."
            refusal = Refused("too-demanding", detail)
        else:
            return
        self._send(refusal)

    def _do(self, task: Task) -> None:
        match task:
            case ReadVideo():
                self._read_video(task)
            case PlanVideo():
                self._plan(task)
            case ReadStill():
                self._read_still(task)
            case ReadLive():
                self._read_live(task)
            case ReadAsset():
                self._read_asset(task)
            case Join():
                self._join(task)
            case ReadSource():
                read_source(task, self._connection, self._limits)
            case _:
                assert_never(task)

    def _read_video(self, task: ReadVideo) -> None:
        path, threads = Path(task.path), self._limits.decoder_threads
        with VideoFile(path, self._limits, threads, fit=task.fit, span=task.span, keep=task.card) as video:
            coded = CodedVideo(video)
            self._send(VideoOpened(video.facts, coded.stream if task.card else None))
            first = receive_request(self._connection)
            if isinstance(first, PacketsWanted):
                for packet in coded.packets():
                    self._send(packet)
                self._send(coded.ended)
            else:
                self._write_frames(video, self._checked_grant(first))

    def _write_frames(self, video: VideoFile, grant: SlotGrant) -> None:
        """grant: of the first, which every video has."""
        facts = video.facts
        for sequence, frame in enumerate(video.frames()):
            given = grant if sequence == 0 else self._next_grant()
            frame.write_into(self._picture(given, facts.geometry, facts.colour))
            self._send(DecodedFrame(given.slot, sequence, frame.pts, frame.duration))
        self._send(Finished(video.summary))

    def _plan(self, task: PlanVideo) -> None:
        def go_on() -> None:
            self._send(GoesOn())

        plan = plan_video(Path(task.path), self._limits, task.seconds, task.warm_seconds, go_on)
        self._send(VideoPlanned(plan))

    def _read_still(self, task: ReadStill) -> None:
        still = StillPicture(task.data, self._limits)
        self._send(StillOpened(still.facts))
        grant = self._next_grant()
        still.write_into(self._picture(grant, still.facts.geometry, still.facts.colour))
        self._send(DecodedFrame(grant.slot, 0, 0, 0))
        self._send(Finished(DecodeSummary(frames=1)))

    def _read_live(self, task: ReadLive) -> None:
        decoder = LiveDecoder(task.input, self._limits, task.fit)
        reading = (
            LiveForwarding(task, decoder, self._send, self._picture)
            if task.card
            else LiveReading(decoder, self._send, self._picture)
        )
        while not reading.is_over:
            reading.take(receive_request(self._connection))

    def _read_asset(self, task: ReadAsset) -> None:
        prepared = read_asset(Path(task.source).read_bytes(), self._limits)
        Path(task.target).write_bytes(assets.pack(prepared))
        self._send(AssetRead())

    def _join(self, task: Join) -> None:
        source = Path(task.source) if task.source is not None else None
        parts = [Path(part) for part in task.parts]

        def go_on(_: int) -> None:
            self._send(GoesOn())

        kind = join(source, parts, Path(task.target), limits=self._limits, cut_audio=task.cut_audio, progress=go_on)
        self._send(Joined(kind))

    def _next_grant(self) -> SlotGrant:
        return self._checked_grant(receive_request(self._connection))

    def _checked_grant(self, request: Request) -> SlotGrant:
        if not isinstance(request, SlotGrant):
            raise TypeError("a second task")
        return request

    def _picture(self, grant: SlotGrant, geometry: Geometry, colour: Colour) -> Picture:
        start, end = grant.offset_bytes, grant.offset_bytes + min(grant.size_bytes, geometry.size_bytes)
        _fault_in(self._pool, start, end)
        return Picture.over(geometry, colour, memoryview(self._pool)[start:end])

    def _send(self, reply: Reply) -> None:
        self._connection.sendall(framed(reply))


def _fault_in(pool: mmap.mmap, start: int, end: int) -> None:
    """Map all pages that a frame takes in one call. It is only a help: an older kernel does not know it."""
    first = start - start % mmap.PAGESIZE
    with contextlib.suppress(OSError):
        pool.madvise(_MADV_POPULATE_WRITE, first, end - first)


def warm_up() -> list[bytes]:
    """Load what the libraries would load with the first file, so that forked processes find it there.

    Returns small pictures for `DecoderProcess.get_ready`.
    """
    silence()
    for name in _LOADED_LATE:
        importlib.import_module(name)
    Image.preinit()
    return [_sample(name) for name in ("JPEG", "PNG", "WEBP")]


def _sample(name: str) -> bytes:
    body = io.BytesIO()
    Image.effect_noise((32, 32), 64).convert("RGB").save(body, name)
    return body.getvalue()


def _most_written(task: Task, limits: IngestLimits) -> int:
    """Bytes that the task may write to a file: none, save for an asset and a join."""
    if isinstance(task, ReadAsset):
        return limits.most_prepared_bytes
    if not isinstance(task, Join):
        return 0
    inputs = [*task.parts, *([task.source] if task.source is not None else [])]
    return sum(Path(path).stat().st_size for path in inputs) + _JOIN_SLACK_BYTES
