"""What runs in a decoder process: one task, under limits, then the end. It knows a socket and a mapped pool only."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from PIL import Image

from services.ingest import confinement
from services.ingest.decoder_messages import (
    DecodedFrame,
    Finished,
    Join,
    Joined,
    JoinGoesOn,
    ReadStill,
    ReadVideo,
    Refused,
    SlotGrant,
    StillOpened,
    VideoOpened,
    framed,
    receive_request,
)
from services.ingest.demuxing import silence
from services.ingest.joining import join
from services.ingest.still import StillPicture
from services.ingest.video import VideoFile
from shared.model.errors import Rejected
from shared.model.media import DecodeSummary
from shared.model.pictures import Picture

if TYPE_CHECKING:
    import mmap
    import socket

    from services.ingest.decoder_messages import Reply, Task
    from services.ingest.limits import IngestLimits
    from shared.model.pictures import Colour, Geometry

_LOADED_LATE = (
    "PIL.JpegImagePlugin",
    "PIL.MpoImagePlugin",
    "PIL.PngImagePlugin",
    "PIL.WebPImagePlugin",
    "av.subtitles.stream",
    "encodings.idna",
)
_JOIN_SLACK_BYTES = 64 << 20
"""A joined file is no larger than what it is made of, save for its index."""


class DecoderProcess:
    """Serves the one task that comes over `connection`."""

    def __init__(self, connection: socket.socket, pool: mmap.mmap, limits: IngestLimits) -> None:
        self._connection, self._pool, self._limits = connection, pool, limits

    def serve(self) -> None:
        """Wait for the task, do it, answer. Returns when the parent has hung up."""
        try:
            task = receive_request(self._connection)
            if isinstance(task, SlotGrant):
                raise TypeError("a grant before the task")
            confinement.stand_back(self._limits)
            confinement.bound(self._limits, _most_written(task))
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
            case ReadStill():
                self._read_still(task)
            case Join():
                self._join(task)
            case _:
                assert_never(task)

    def _read_video(self, task: ReadVideo) -> None:
        with VideoFile(Path(task.path), self._limits, self._limits.decoder_threads) as video:
            facts = video.facts
            self._send(VideoOpened(facts))
            for sequence, frame in enumerate(video.frames()):
                grant = self._next_grant()
                frame.write_into(self._picture(grant, facts.geometry, facts.colour))
                self._send(DecodedFrame(grant.slot, sequence, frame.pts, frame.duration))
            self._send(Finished(video.summary))

    def _read_still(self, task: ReadStill) -> None:
        still = StillPicture(task.data, self._limits)
        self._send(StillOpened(still.facts))
        grant = self._next_grant()
        still.write_into(self._picture(grant, still.facts.geometry, still.facts.colour))
        self._send(DecodedFrame(grant.slot, 0, 0, 0))
        self._send(Finished(DecodeSummary(frames=1)))

    def _join(self, task: Join) -> None:
        source = Path(task.source) if task.source is not None else None
        parts = [Path(part) for part in task.parts]

        def go_on(packets: int) -> None:
            self._send(JoinGoesOn(packets))

        kind = join(source, parts, Path(task.target), limits=self._limits, cut_audio=task.cut_audio, progress=go_on)
        self._send(Joined(kind))

    def _next_grant(self) -> SlotGrant:
        grant = receive_request(self._connection)
        if not isinstance(grant, SlotGrant):
            raise TypeError("a second task")
        return grant

    def _picture(self, grant: SlotGrant, geometry: Geometry, colour: Colour) -> Picture:
        part = memoryview(self._pool)[grant.offset_bytes : grant.offset_bytes + grant.size_bytes]
        return Picture.over(geometry, colour, part)

    def _send(self, reply: Reply) -> None:
        self._connection.sendall(framed(reply))


def warm_up() -> None:
    """Load what the libraries would load with the first file, so that forked processes find it there."""
    silence()
    for name in _LOADED_LATE:
        importlib.import_module(name)
    Image.preinit()


def _most_written(task: Task) -> int:
    """Bytes that the task may write to a file: none, save for a join."""
    if not isinstance(task, Join):
        return 0
    inputs = [*task.parts, *([task.source] if task.source is not None else [])]
    return sum(Path(path).stat().st_size for path in inputs) + _JOIN_SLACK_BYTES
