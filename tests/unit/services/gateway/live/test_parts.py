"""Frames come in pieces."""

from __future__ import annotations

from services.gateway.live.parts import FrameParts
from shared.model.live import LiveFrame


def part(number: int, body: bytes, more: bool = False) -> LiveFrame:
    return LiveFrame(number=number, pts=number, dts=0, key=True, look=0, body=body, more=more, arrived_ns=1)


def test_pieces_become_the_frame() -> None:
    parts = FrameParts(100)
    assert parts.add(part(1, b"ab", more=True)) == (None, None)
    assert parts.add(part(1, b"cd", more=True)) == (None, None)
    assert parts.add(part(1, b"e")) == (part(1, b"abcde"), None)
    assert parts.add(part(2, b"f")) == (part(2, b"f"), None)


def test_a_frame_whose_last_piece_never_came_is_lost() -> None:
    parts = FrameParts(100)
    parts.add(part(1, b"ab", more=True))
    assert parts.add(part(2, b"cd")) == (part(2, b"cd"), 1)


def test_a_frame_that_no_client_can_be_sent_is_lost_and_not_kept() -> None:
    parts = FrameParts(3)
    parts.add(part(1, b"ab", more=True))
    assert parts.add(part(1, b"cd")) == (None, 1)
    assert parts.add(part(2, b"abc")) == (part(2, b"abc"), None)
