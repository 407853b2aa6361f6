"""Makes raw streams, which decoders of cards take, of packets whose parameters lie in a header beside them."""

from __future__ import annotations

from shared.model.live import LiveCodec

_START_CODE = b"\0\0\0\x01"
_AVCC, _HVCC, _AV1C = 1, 1, 0x81
"""First bytes of a decoder configuration record (ISO 14496-15, 5.3.3.1 and 8.3.3.1; AV1-ISOBMFF, 2.3)."""


class RawStream:
    """The packets of one live stream, one after the other. What is cut short comes out cut short."""

    def __init__(self, codec: LiveCodec, header: bytes) -> None:
        """header: as LiveInput has it."""
        self._length_bytes, self._parameters = 0, header
        if codec is LiveCodec.H264 and header[:1] == bytes([_AVCC]) and len(header) > 6:
            self._length_bytes, self._parameters = (header[4] & 3) + 1, _of_avcc(header)
        elif codec is LiveCodec.HEVC and header[:1] == bytes([_HVCC]) and len(header) > 22:
            self._length_bytes, self._parameters = (header[21] & 3) + 1, _of_hvcc(header)
        elif codec is LiveCodec.AV1 and header[:1] == bytes([_AV1C]):
            self._parameters = header[4:]
        elif codec is LiveCodec.VP9:
            self._parameters = b""

    def packet(self, body: bytes) -> bytes:
        """The next packet, with all parameters before the first."""
        units = self._with_start_codes(body) if self._length_bytes else body
        before, self._parameters = self._parameters, b""
        return before + units

    def _with_start_codes(self, body: bytes) -> bytes:
        parts, at, width = [], 0, self._length_bytes
        while at + width <= len(body):
            length = int.from_bytes(body[at : at + width], "big")
            parts += [_START_CODE, body[at + width : at + width + length]]
            at += width + length
        return b"".join(parts)


def _of_avcc(header: bytes) -> bytes:
    """The parameter sets of an avcC, with start codes."""
    parts, at = b"", 5
    for mask in (31, 255):  # sequence parameter sets, then picture parameter sets
        if at >= len(header):
            break
        count, at = header[at] & mask, at + 1
        units, at = _units(header, at, count)
        parts += units
    return parts


def _of_hvcc(header: bytes) -> bytes:
    """The parameter sets of an hvcC, with start codes."""
    parts, at = b"", 23
    for _ in range(header[22]):
        count = int.from_bytes(header[at + 1 : at + 3], "big")
        units, at = _units(header, at + 3, count)
        parts += units
    return parts


def _units(header: bytes, at: int, count: int) -> tuple[bytes, int]:
    """So many units with two bytes of length each, with start codes; and where they end."""
    parts = b""
    for _ in range(count):
        if at + 2 > len(header):
            break
        length = int.from_bytes(header[at : at + 2], "big")
        parts += _START_CODE + header[at + 2 : at + 2 + length]
        at += 2 + length
    return parts, at
