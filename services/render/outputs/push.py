"""Pushes a live session to an RTMP server, for as long as there is one."""

from __future__ import annotations

import contextlib
import math
import random
import socket
import time
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from services.render.outputs.flv import FlvMuxer
from services.render.outputs.muxing import Tracks, refuse_uncarried
from services.render.outputs.rtmp import RtmpPlace, RtmpPublisher, RtmpRefused
from shared.model.errors import Malformed, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.render.encoding.packets import EncodedPacket, PictureTrack
    from services.render.outputs.flv import FlvTag
    from services.render.outputs.outlet import Notice
    from shared.model.live import SoundOpened, SoundPacket

    Connect = Callable[[RtmpPlace, float], socket.socket]
    """Connects, within so many seconds, to where a place is; with TLS where it is secure.

    OSError and Unavailable are tried again, any other VisavisError ends the push.
    """

ANSWER_SECONDS: Final = 10.0
"""What the server may take for an answer, and to take a packet."""
SHORTEST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
"""Seconds between two connections, doubled each time, give or take a half."""
STEADY_SECONDS: Final = 30.0
"""A connection that lasted so long begins with the shortest pause again."""


class RtmpPusher:
    """An outlet. Each connection begins with a key frame; what comes while there is none is left out.

    Tells `output-connected`, and `output-lost` with a reason that says nothing of the stream's name.
    """

    def __init__(self, url: str, connect: Connect, notice: Notice, *, shortest_pause: float = SHORTEST_PAUSE) -> None:
        """Raises Rejected for a URL that is none of RTMP."""
        self._place = RtmpPlace.of(url)
        self._connect, self._notice = connect, notice
        self._track: PictureTrack | None = None
        self._sound: SoundOpened | None = None
        self._publisher: RtmpPublisher | None = None
        self._connection: socket.socket | None = None
        self._muxer: FlvMuxer | None = None
        self._base_ms: int = 0
        self._last_ms: int = 0
        self._shortest = self._pause = shortest_pause
        self._retry_at = self._connected_at = 0.0
        self._told_lost = self._aborted = False
        self.connections = 0
        """How often the server was reached."""

    @property
    def wants_key(self) -> bool:
        """True while it would connect if there were a key frame to begin with."""
        return self._muxer is None and not self._aborted and time.monotonic() >= self._retry_at

    def begin(self, track: PictureTrack) -> None:
        """Pictures of this track follow. Raises Rejected for a codec that RTMP does not carry."""
        refuse_uncarried(track.codec)
        if track != self._track:
            self._track = track
            self._muxer = None

    def open_sound(self, sound: SoundOpened) -> None:
        """This sound follows."""
        if sound != self._sound:
            self._sound = sound
            self._muxer = None

    def write(self, packet: EncodedPacket) -> None:
        """Push a picture; connect first, if it is a key frame and time to."""
        if self._muxer is None and (not packet.key or not self._is_connected()):
            return
        try:
            if self._muxer is None and self._track is not None:
                self._muxer = self._new_muxer(packet, self._track)
            if self._muxer is not None:
                self._send(self._muxer.write(packet))
        except (OSError, RtmpRefused, Malformed) as error:
            self._lose(error)

    def write_sound(self, packet: SoundPacket) -> None:
        """Push a piece of sound."""
        if self._muxer is None:
            return
        try:
            self._send(self._muxer.write_sound(packet))
        except (OSError, RtmpRefused, Malformed) as error:
            self._lose(error)

    def end(self) -> None:
        """A server is told no more than by `close`."""

    def close(self) -> None:
        """End the stream on the server."""
        try:
            if self._muxer is not None:
                self._send(self._muxer.close())
        except (OSError, RtmpRefused, Malformed):
            pass  # it is over either way
        self._hang_up()

    def abort(self) -> None:
        """From another thread: break the connection off, and make no other."""
        self._aborted = True
        if (connection := self._connection) is not None:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _is_connected(self) -> bool:
        """Connect, if it is time to."""
        if self._publisher is not None:
            return True
        if self._aborted or time.monotonic() < self._retry_at:
            return False
        self._retry_at = math.inf  # until it is known how this ends
        try:
            self._connection = self._connect(self._place, ANSWER_SECONDS)
            publisher = RtmpPublisher(self._connection, self._place, ANSWER_SECONDS)
            publisher.open()
        except (OSError, RtmpRefused, Malformed, Unavailable) as error:
            self._lose(error)
            return False
        self._publisher = publisher
        self._last_ms = 0
        self._connected_at, self._retry_at = time.monotonic(), 0.0
        self.connections += 1
        self._told_lost = False
        self._notice("output-connected", f"The stream is pushed to {self._place.host}.")
        return True

    def _new_muxer(self, first: EncodedPacket, track: PictureTrack) -> FlvMuxer:
        """One for this connection, or for what follows on it: times go on where they were."""
        self._base_ms = self._last_ms
        start = first.dts - round(Fraction(self._base_ms, 1000) / Fraction(*track.facts.time_base))
        return FlvMuxer(Tracks(track, first, self._sound), start)

    def _send(self, tags: list[FlvTag]) -> None:
        for tag in tags:
            at = max(tag.timestamp_ms, self._base_ms)  # words about a new encoder begin at 0
            self._last_ms = max(self._last_ms, at)
            if self._publisher is not None:
                self._publisher.send(tag._replace(timestamp_ms=at))

    def _lose(self, error: Exception) -> None:
        was_steady = self._publisher is not None and time.monotonic() - self._connected_at > STEADY_SECONDS
        self._hang_up()
        if was_steady:
            self._pause = self._shortest
        self._retry_at = time.monotonic() + self._pause * random.uniform(0.5, 1.5)  # noqa: S311  -- spreads, hides nothing
        self._pause = min(LONGEST_PAUSE, 2 * self._pause)
        if not self._told_lost and not self._aborted:
            self._told_lost = True
            self._notice(
                "output-lost", f"The push to {self._place.host} has stopped: {_reason(error)}. It is tried again."
            )

    def _hang_up(self) -> None:
        if self._publisher is not None:
            self._publisher.close()
        elif self._connection is not None:
            self._connection.close()
        self._publisher = self._connection = self._muxer = None


def _reason(error: Exception) -> str:
    match error:
        case RtmpRefused():
            return f"the server refuses it ({error.code})"
        case Malformed():
            return "what answers is no RTMP server"
        case Unavailable():
            return str(error).rstrip(".")
        case ConnectionRefusedError():
            return "nobody listens there"
        case TimeoutError():
            return "the server does not answer in time"
        case _:
            return "the connection has broken off"
