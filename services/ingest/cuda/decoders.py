"""The lane's card decoder, seen from ingest: starts the process, hands it streams, starts it again when it has died."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from services.ingest.child_words import heard
from services.ingest.cuda.decoding import CardDecoding, CardLiveDecoding
from services.ingest.cuda.messages import CardReady, CardUnusable, OpenStream, StreamEnded, pack, unpack_report
from services.ingest.decoders.forking import busy_seconds
from shared.model.errors import Misconfigured, Unavailable
from shared.model.pictures import PixelFormat

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from services.ingest.cuda.messages import CodecRange
    from services.ingest.decoders.decoding import Decoding
    from services.ingest.decoders.live import LiveDecoding
    from services.ingest.limits import IngestLimits
    from services.ingest.messages.decoder import ReadVideo
    from shared.model.media import VideoFacts

PROGRAM = ("-m", "services.ingest.cuda.process")
_MOST_PACKET_BYTES = 65_536
_ENVIRONMENT = {
    "PYTHONUTF8": "1",
    "OPENBLAS_NUM_THREADS": "1",  # leaving the network wants a process with one thread
    "OMP_NUM_THREADS": "1",
}


class CardStreamHandle:
    """One stream in the card decoder, as a decoding has its child. `connection` is ingest's end of its socket."""

    def __init__(
        self, connection: socket.socket, reading: Decoding, if_stuck: Callable[[], asyncio.TimerHandle]
    ) -> None:
        """reading: whose child sends the packets. if_stuck: sees to it that a stream that was killed ends."""
        self.connection = connection
        self._reading, self._if_stuck = reading, if_stuck
        self._timer: asyncio.TimerHandle | None = None
        self._dead: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def is_dead(self) -> bool:
        """True once nobody writes into the stream's slots any more."""
        return self._dead.done()

    def kill(self) -> None:
        """End it, its child too; without packets and without ingest the stream has nothing left to do."""
        self._reading.kill()
        if not self.is_dead and self._timer is None:
            self._timer = self._if_stuck()

    async def died(self) -> None:
        """Wait until nobody writes into the stream's slots any more."""
        await asyncio.shield(self._dead)

    async def ended(self) -> int | None:
        """As `died`; a stream has no exit status."""
        await self.died()
        return None

    def is_over(self) -> None:
        """The card decoder has said that the stream has ended, or is dead itself."""
        if self._timer is not None:
            self._timer.cancel()
        if not self.is_dead:
            self._dead.set_result(None)


class CardDecoders:
    """The one process of a lane that has a CUDA context and the card's video decoders (decision 0048)."""

    def __init__(
        self,
        pool: Path,
        card: int,
        limits: IngestLimits,
        environment: Mapping[str, str],
        program: tuple[str, ...] = PROGRAM,
    ) -> None:
        """pool: where the words of the lane's pool on the card lie. card: as CUDA counts them, from 0.

        environment: the process's, all of it. program: arguments of Python that start it.
        """
        self.ranges: tuple[CodecRange, ...] = ()
        """After `start`: what the card decodes."""
        self.engines = 0
        """After `start`: how many decoders work at a time; 0 if the card does not say."""
        self.network = ""
        """After `start`: whether the process can reach a network, in words for a log."""
        self._program = program
        self._arguments = (str(os.getpid()), str(pool), str(card), msgspec.json.encode(limits).decode())
        self._limits, self._environment = limits, environment
        self._process: Process | None = None
        self._control: socket.socket | None = None
        self._ready: asyncio.Future[CardReady] | None = None
        self._streams: dict[int, CardStreamHandle] = {}
        self._tokens = 0
        self._busy_before = self._busy = 0.0
        self._ending: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()

    async def start(self) -> None:
        """Start the process and wait until it can decode.

        Raises Misconfigured with the reason if it says that it never will, Unavailable if it ends without a word.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[CardReady] = loop.create_future()
        self._control, self._ready = ours, ready
        with theirs, heard("card decoder") as stderr:
            fd = theirs.fileno()
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, *self._program, str(fd), *self._arguments),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,  # NVIDIA's libraries print there
                stderr=stderr,
                pass_fds=(fd,),
                env={
                    **self._environment,
                    **_ENVIRONMENT,
                    "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
                },
            )
        loop.add_reader(ours, self._hear, ours)
        self._ending = loop.create_task(self._end_with(self._process))
        said = await asyncio.shield(ready)
        self.ranges, self.engines, self.network = said.ranges, said.engines, said.network

    def decode(self, reading: Decoding, facts: VideoFacts, task: ReadVideo, pool_bytes: int) -> CardDecoding:
        """A context that decodes what `reading` has opened; within that of `reading`.

        facts: of the video. Raises Unavailable, on entering too, if there is no card decoder.
        """
        opening = self._opening(reading, facts)
        if (span := task.span) is not None:
            opening = msgspec.structs.replace(opening, before=span.first, end=span.end)
        return CardDecoding(reading, partial(self._opened, opening, reading), opening.facts, self._limits, pool_bytes)

    def decode_live(self, reading: LiveDecoding, facts: VideoFacts, pool_bytes: int) -> CardLiveDecoding:
        """As `decode`, of a live stream."""
        opening = msgspec.structs.replace(self._opening(reading, facts), live=reading.live_task.input)
        open_stream = partial(self._opened, opening, reading)
        return CardLiveDecoding(reading, open_stream, opening.facts, self._limits, pool_bytes)

    async def close(self) -> None:
        """End the process; returns when it is dead."""
        self._kill()
        if self._ending is not None:
            await self._ending

    @property
    def streams(self) -> int:
        """How many it decodes now."""
        return len(self._streams)

    @property
    def is_alive(self) -> bool:
        """True while it can be handed streams."""
        return self._control is not None

    @property
    def busy_seconds(self) -> float:
        """Processor time that the process and those before it have used."""
        if self._process is not None:
            self._busy = busy_seconds(self._process.pid) or self._busy
        return self._busy_before + self._busy

    def _opening(self, reading: Decoding, facts: VideoFacts) -> OpenStream:
        if reading.coded is None:
            raise Unavailable("The decoder did not say how the video is coded.")
        self._tokens += 1
        return OpenStream(self._tokens, reading.coded, facts.laid_out(PixelFormat.NV12))

    async def _opened(self, opening: OpenStream, reading: Decoding) -> CardStreamHandle:
        await self._revive()
        control = self._control
        if control is None:
            raise Unavailable("The card decoder has ended.")
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        patience = self._limits.decoder_stall_seconds
        handle = CardStreamHandle(ours, reading, lambda: loop.call_later(patience, self._kill))
        packets = reading.hand_over()
        try:
            with theirs:
                socket.send_fds(control, [pack(opening)], [theirs.fileno(), packets])
        except OSError as error:
            ours.close()
            raise Unavailable("The card decoder has ended.") from error
        finally:
            os.close(packets)
        self._streams[opening.token] = handle
        return handle

    async def _revive(self) -> None:
        """A new process in place of one that has ended. Many may ask for it at once; one is started."""
        async with self._starting:
            if self._control is None:
                if self._ending is not None:
                    await self._ending
                await self.start()

    def _hear(self, control: socket.socket) -> None:
        try:
            packet = control.recv(_MOST_PACKET_BYTES)
            report = unpack_report(packet) if packet else None
        except BlockingIOError:
            return
        except (OSError, msgspec.DecodeError):
            report = None
        match report:
            case CardReady():
                self._answer(report)
            case CardUnusable(why):
                self._answer(Misconfigured(why))
            case StreamEnded(token):
                if (stream := self._streams.pop(token, None)) is not None:
                    stream.is_over()
            case None:
                self._kill()

    def _answer(self, said: CardReady | Exception) -> None:
        if self._ready is not None and not self._ready.done():
            if isinstance(said, CardReady):
                self._ready.set_result(said)
            else:
                self._ready.set_exception(said)

    def _kill(self) -> None:
        """It is of no use any more; its streams are over when the kernel says that it is dead."""
        if self._control is not None:
            asyncio.get_running_loop().remove_reader(self._control)
            self._control.close()
            self._control = None
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def _end_with(self, process: Process) -> None:
        await process.wait()
        self._kill()
        self._busy_before, self._busy = self._busy_before + self._busy, 0.0
        self._process = None
        self._answer(Unavailable("The card decoder has ended."))
        for stream in self._streams.values():
            stream.is_over()
        self._streams.clear()
