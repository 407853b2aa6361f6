"""What the demuxing process of a fetched source does: makes its way to the bytes, and sends packets to the parent."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from services.ingest import confinement
from services.ingest.demuxer.byte_pipe import BytePipe, format_of, has_late_index
from services.ingest.demuxer.options import file_options, rtmp_options, rtsp_options, tunnelled
from services.ingest.demuxer.source import source_items
from services.ingest.demuxer.srt import SrtProgram
from services.ingest.demuxer.tunnel import DatagramTunnel, Tunnel
from services.ingest.messages.decoder import Finished, framed
from services.ingest.messages.source import SourcePacket
from services.ingest.videos.demuxing import silence
from shared.model.addresses import REFUSED
from shared.model.errors import Rejected
from shared.model.media import DecodeSummary

if TYPE_CHECKING:
    import socket

    from services.ingest.demuxer.source import ByteSource
    from services.ingest.limits import IngestLimits
    from services.ingest.messages.decoder import Reply
    from services.ingest.messages.source import ReadSource

_HEAD_BYTES = 200


def read_source(task: ReadSource, connection: socket.socket, limits: IngestLimits) -> None:
    """Do the task to its end. Raises Rejected for a source that is not read."""
    process = _SourceProcess(connection, limits)
    silence()
    if task.url:
        process.speak(task)
    else:
        process.read_fetched()
    process.send(Finished(DecodeSummary(frames=process.packets)))


class _SourceProcess:
    def __init__(self, connection: socket.socket, limits: IngestLimits) -> None:
        self._connection, self._limits = connection, limits
        self._sending = threading.Lock()
        self.packets = 0

    def send(self, reply: Reply) -> None:
        """From any thread."""
        with self._sending:
            self._connection.sendall(framed(reply))

    def speak(self, task: ReadSource) -> None:
        """RTMP, RTSP or SRT, through a tunnel."""
        try:
            confinement.own_loopback()
        except OSError as error:
            if not task.unconfined:
                why = f"The kernel refuses a network namespace ({error.strerror}), without which no source is read"
                raise Rejected(REFUSED, f"{why} unless source_unconfined is set.") from error
        if task.srt_program:
            self._speak_srt(task)
        else:
            self._speak_tcp(task.url)

    def _speak_srt(self, task: ReadSource) -> None:
        tunnel = DatagramTunnel(self._connection, self.send)
        with SrtProgram(task.srt_program, task.url, tunnel.port, self._limits) as program:
            tunnel.start()  # not before: the program is forked by a process with one thread
            program.await_bytes()
            self._read(program, "mpegts", file_options(self._limits), 0)

    def _speak_tcp(self, url: str) -> None:
        tunnel = Tunnel(self._connection, self.send)
        tunnel.start()
        rtmp = url.startswith("rtmp")
        options = rtmp_options(url, self._limits) if rtmp else rtsp_options(self._limits)
        self._read(tunnelled(url, tunnel.port), "flv" if rtmp else "rtsp", options, 0)

    def read_fetched(self) -> None:
        """Legs of what the parent fetched, until it says that nothing follows."""
        leg = 0
        while True:
            pipe = BytePipe(self._connection)
            head = pipe.peek(_HEAD_BYTES)
            if head:
                self._read(pipe, _known_format(head), file_options(self._limits), leg)
                pipe.skip()
            if pipe.is_last:
                return
            leg += 1

    def _read(self, what: str | ByteSource, container_format: str, options: dict[str, str], leg: int) -> None:
        for item in source_items(what, container_format, options, leg, self._limits):
            self.send(item)
            self.packets += isinstance(item, SourcePacket)


def _known_format(head: bytes) -> str:
    found = format_of(head)
    if found == "mov" and has_late_index(head):
        raise Rejected(REFUSED, "The file has its index at its end; upload it, or move the index to its beginning.")
    if not found:
        raise Rejected("unsupported-media", "The source is none of MPEG-TS, MP4, FLV, Matroska and WebM.")
    return found
