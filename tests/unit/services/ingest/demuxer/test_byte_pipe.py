"""services/ingest/demuxer/byte_pipe.py."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from services.ingest.demuxer.byte_pipe import BytePipe, format_of, has_late_index
from services.ingest.messages.decoder import SlotGrant, framed
from services.ingest.messages.source import SourceBytes, SourceCut, SourceEnded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from services.ingest.messages.decoder import Request

    Say = Callable[..., BytePipe]


@pytest.fixture
def say() -> Iterator[Say]:
    """say(messages...) -> a pipe that has been told them."""
    ours, theirs = socket.socketpair()

    def told(*messages: Request) -> BytePipe:
        for message in messages:
            ours.sendall(framed(message))
        return BytePipe(theirs)

    with ours, theirs:
        yield told


def test_bytes_come_as_they_are_told(say: Say) -> None:
    pipe = say(SourceBytes(b"abc"), SourceBytes(b""), SourceBytes(b"defg"), SourceEnded())
    assert pipe.peek(5) == b"abcdefg"[:5]
    assert [pipe.read(4), pipe.read(4), pipe.read(4), pipe.read(4)] == [b"abcd", b"efg", b"", b""]
    assert pipe.is_last


def test_a_cut_ends_a_leg_and_the_next_goes_on(say: Say) -> None:
    first = say(SourceBytes(b"abc"), SourceCut(), SourceBytes(b"def"), SourceEnded())
    assert first.peek(100) == b"abc"
    assert not first.is_last
    first.skip()
    second = say()
    assert second.read(10) == b"def"
    assert second.read(10) == b""


def test_a_parent_that_has_gone_is_no_end(say: Say) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        ours.close()
        with pytest.raises(EOFError):
            BytePipe(theirs).read(1)


def test_something_else_is_refused(say: Say) -> None:
    with pytest.raises(TypeError):
        say(SlotGrant(0, 0, 1)).read(1)


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"G" + bytes(187) + b"G", "mpegts"),
        (b"G" + bytes(187) + b"H", ""),
        (b"\0\0\0\x18ftypmp42", "mov"),
        (b"\0\0\0\x18stypmsdh", "mov"),
        (b"FLV\x01\x05", "flv"),
        (b"\x1a\x45\xdf\xa3", "matroska"),
        (b"#EXTM3U\n#EXTINF:1\nfile:///etc/passwd", ""),
        (b"ffconcat version 1.0", ""),
        (b"", ""),
    ],
)
def test_the_container_is_told_by_its_first_bytes(head: bytes, name: str) -> None:
    assert format_of(head) == name


def test_an_index_behind_the_frames_is_seen() -> None:
    start = b"\0\0\0\x10ftypmp42\0\0\0\0"
    assert has_late_index(start + b"\0\0\0\x08free" + b"\0\0\0\0mdat")
    assert not has_late_index(start + b"\0\0\0\0moov")
    assert not has_late_index(start + b"\0\0\0\x01junk")
    assert not has_late_index(start)
