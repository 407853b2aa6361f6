"""services/ingest/demuxer/adts.py."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.demuxer.adts import AdtsFrame, has_header

# AAC-LC, 44.1 kHz, stereo, no checksum, 12 bytes with its header
FRAME = bytes((0xFF, 0xF1, 0x50, 0x80, 0x01, 0x9F, 0xFC)) + b"sound"


def test_a_frame_is_what_its_header_says() -> None:
    frame = AdtsFrame(FRAME)
    assert (frame.rate, frame.channels, frame.body) == (44_100, 2, b"sound")
    assert frame.config == bytes((0x12, 0x10))


def test_a_checksum_is_part_of_the_header() -> None:
    checked = FRAME[:1] + b"\xf0" + FRAME[2:5] + b"\xdf" + FRAME[6:7] + b"##" + b"sound"
    assert AdtsFrame(checked).body == b"sound"


@pytest.mark.parametrize(
    "broken", [b"", FRAME[:6], FRAME[:-1], b"\xff\xe1" + FRAME[2:], FRAME[:2] + b"\x7c" + FRAME[3:]]
)
def test_what_is_no_whole_frame_is_refused(broken: bytes) -> None:
    assert not has_header(broken)
    with pytest.raises(ValueError, match="ADTS"):
        AdtsFrame(broken)


@given(st.binary(max_size=64))
def test_any_bytes_are_a_frame_or_refused(packet: bytes) -> None:
    assert not has_header(packet) or AdtsFrame(packet).body in packet
