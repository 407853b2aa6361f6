"""AAC as MPEG-TS has it: each frame with an ADTS header (ISO/IEC 13818-7, 6.2), which files and RTMP have not."""

from __future__ import annotations

_RATES = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000, 7350)
_SHORT, _LONG = 7, 9
"""Bytes of a header without and with a checksum."""


class AdtsFrame:
    """One frame with a header."""

    def __init__(self, packet: bytes) -> None:
        """Raises ValueError if it does not begin with the header of a frame that it holds whole."""
        if len(packet) < _LONG or packet[0] != 0xFF or packet[1] & 0xF6 != 0xF0:
            raise ValueError("no ADTS header")
        self._object_type = (packet[2] >> 6) + 1
        self._rate_index = packet[2] >> 2 & 0xF
        self.channels = (packet[2] & 1) << 2 | packet[3] >> 6
        """As the header says; 0: only the frame itself knows."""
        length = (packet[3] & 3) << 11 | packet[4] << 3 | packet[5] >> 5
        start = _SHORT if packet[1] & 1 else _LONG
        if self._rate_index >= len(_RATES) or not start < length <= len(packet):
            raise ValueError("a broken ADTS header")
        self.body = packet[start:length]
        """The frame without its header."""

    @property
    def rate(self) -> int:
        """Samples a second."""
        return _RATES[self._rate_index]

    @property
    def config(self) -> bytes:
        """AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1) that says the same."""
        return (self._object_type << 11 | self._rate_index << 7 | self.channels << 3).to_bytes(2, "big")


def has_header(packet: bytes) -> bool:
    """Whether this looks like a frame with a header."""
    try:
        AdtsFrame(packet)
    except ValueError:
        return False
    return True
