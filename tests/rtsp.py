"""A small RTSP server on loopback for tests: one stream of H.264, interleaved in the connection (RFC 2326, 10.12)."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import struct
from typing import TYPE_CHECKING

import av
import numpy as np

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_FRAMES = 50


class RtspCamera:
    """Sends its frames at once and hangs up. `asked` has the first lines of what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.port = 0
        self._frames = _encoded()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                request = (await reader.readuntil(b"\r\n\r\n")).decode()
                self.asked.append(request.splitlines()[0])
                number = next(line.split(":")[1].strip() for line in request.splitlines() if line.startswith("CSeq"))
                method = request.split(" ", 1)[0]
                writer.write(self._answer(method, number))
                if method == "PLAY":
                    for index, units in enumerate(self._frames):
                        writer.write(_packets(units, index))
                    await writer.drain()
                    break
        writer.close()

    def _answer(self, method: str, number: str) -> bytes:
        head = f"RTSP/1.0 200 OK\r\nCSeq: {number}\r\nSession: 1\r\n"
        if method == "OPTIONS":
            return f"{head}Public: OPTIONS, DESCRIBE, SETUP, PLAY\r\n\r\n".encode()
        if method == "SETUP":
            return f"{head}Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n".encode()
        if method == "DESCRIBE":
            sets = ",".join(base64.b64encode(unit).decode() for unit in self._frames[0] if unit[0] & 31 in {7, 8})
            body = (
                "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
                f"a=fmtp:96 packetization-mode=1;sprop-parameter-sets={sets}\r\na=control:track\r\n"
            )
            return f"{head}Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        return f"{head}\r\n".encode()


@contextlib.asynccontextmanager
async def filming() -> AsyncIterator[RtspCamera]:
    """A camera that listens."""
    camera = RtspCamera()
    async with await asyncio.start_server(camera.serve, "127.0.0.1", 0) as server:
        camera.port = server.sockets[0].getsockname()[1]
        yield camera


def _encoded() -> list[list[bytes]]:
    """NAL units by frame."""
    codec = av.CodecContext.create("libx264", "w")
    assert isinstance(codec, av.VideoCodecContext)
    codec.width, codec.height, codec.pix_fmt, codec.framerate = 64, 48, "yuv420p", 25
    codec.options = {"tune": "zerolatency", "g": "10", "x264-params": "slices=1"}
    found = []
    for index in range(_FRAMES):
        picture = np.full((48, 64, 3), index * 4, np.uint8)
        frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format="yuv420p")
        frame.pts = index
        found += [_units(bytes(packet)) for packet in codec.encode(frame)]
    return found


def _units(annex_b: bytes) -> list[bytes]:
    parts = annex_b.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")
    return [part for part in parts if part]


def _packets(units: list[bytes], index: int) -> bytes:
    """RTP packets, one a NAL unit, each in an interleaved frame of channel 0."""
    out = b""
    for place, unit in enumerate(units):
        last = place == len(units) - 1
        header = struct.pack(">BBHII", 0x80, 96 | (0x80 if last else 0), index * 16 + place, 90_000 + index * 3600, 1)
        out += struct.pack(">cBH", b"$", 0, len(header + unit)) + header + unit
    return out
