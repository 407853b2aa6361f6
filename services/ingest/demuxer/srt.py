"""In the demuxing process of an SRT source: FFmpeg's command line, which has the SRT that the library here was built
without. It does nothing but receive: the bytes of the transport stream come through a pipe, and are read here.
"""

from __future__ import annotations

import functools
import os
import subprocess
from typing import TYPE_CHECKING, Self

from services.ingest import confinement
from shared.model.addresses import srt_options
from shared.model.errors import Rejected

if TYPE_CHECKING:
    from types import TracebackType
    from typing import IO

    from services.ingest.limits import IngestLimits

_CHUNK_BYTES = 1 << 15
_CONNECT_MS = 3000
"""For SRT's own handshake; ingest tries again after that."""


def srt_command(program: str, url: str, port: int, limits: IngestLimits) -> list[str]:
    """What is run. url: the source's; port: of the tunnel. Stream id and passphrase are arguments: FFmpeg takes them in
    no other way, and who may list the processes of this machine can see them.
    """
    asked = srt_options(url)
    options = {
        "-srt_streamid": asked.get("streamid"),
        "-passphrase": asked.get("passphrase"),
        "-pbkeylen": asked.get("pbkeylen"),
        "-latency": str(int(asked["latency"]) * 1000) if "latency" in asked else None,
        "-connect_timeout": str(_CONNECT_MS),
        "-timeout": str(limits.source_silence_seconds * 1_000_000),
    }
    given = [part for name, value in options.items() if value is not None for part in (name, value)]
    source = ["-protocol_whitelist", "srt,udp", "-f", "data", *given, "-i", f"srt://127.0.0.1:{port}?mode=caller"]
    sink = ["-map", "0", "-c", "copy", "-f", "data", "-flush_packets", "1", "pipe:1"]
    return [program, "-nostdin", "-v", "quiet", *source, *sink]


class SrtProgram:
    """A context: on leaving it the program is dead; it also dies with this process."""

    def __init__(self, program: str, url: str, port: int, limits: IngestLimits) -> None:
        self._command = srt_command(program, url, port, limits)
        self._waiting = b""

    def __enter__(self) -> Self:
        """Raises Rejected (`source-refused`) where it cannot be run."""
        try:
            self._running = subprocess.Popen(  # noqa: S603  -- the settings name the program; all it is told was checked
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={},
                preexec_fn=functools.partial(confinement.die_with, os.getpid()),  # noqa: PLW1509  -- one thread yet
            )
        except OSError as error:
            raise Rejected("source-refused", f"The program that has SRT cannot be run: {error.strerror}.") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.kill()
        self._running.wait()
        self._output.close()

    @property
    def _output(self) -> IO[bytes]:
        assert self._running.stdout is not None  # noqa: S101  -- a pipe was asked for
        return self._running.stdout

    def await_bytes(self) -> None:
        """Wait for the first. Raises Rejected (`damaged-media`) if the program ends without any."""
        self._waiting = self.read(_CHUNK_BYTES)
        if not self._waiting:
            detail = "The SRT server gives nothing: it is not there, or refuses stream id or passphrase."
            raise Rejected("damaged-media", detail)

    def read(self, size: int) -> bytes:
        """Up to `size` bytes as soon as there are some; none when the program has ended."""
        data = self._waiting or os.read(self._output.fileno(), size)
        self._waiting = data[size:]
        return data[:size]
