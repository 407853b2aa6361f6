"""services/ingest/demuxer/tunnel.py."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import msgspec
import pytest

from services.ingest.demuxer.tunnel import DatagramTunnel, Tunnel
from services.ingest.messages.decoder import framed, unpack_reply
from services.ingest.messages.source import MOST_LINES, LineWanted, SourceBytes, SourceEnded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.ingest.messages.decoder import Reply

PATIENCE_SECONDS = 30


class Ends:
    """A tunnel whose thread runs, and the parent's end of it."""

    def __init__(self, kind: type[Tunnel | DatagramTunnel] = Tunnel) -> None:
        self.parent, self._child = socket.socketpair()
        self.parent.settimeout(PATIENCE_SECONDS)
        self.tunnel = kind(self._child, lambda reply: self._child.sendall(framed(reply)))
        self._thread = threading.Thread(target=self.tunnel.run, daemon=True)
        self._thread.start()

    def connected(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.tunnel.port), PATIENCE_SECONDS)

    def heard(self) -> Reply:
        size = int.from_bytes(self.parent.recv(4, socket.MSG_WAITALL), "little")
        return unpack_reply(self.parent.recv(size, socket.MSG_WAITALL))

    def say(self, message: SourceBytes | SourceEnded) -> None:
        self.parent.sendall(framed(message))

    def close(self) -> None:
        self.parent.close()
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive()
        self._child.close()


@pytest.fixture
def ends() -> Iterator[Ends]:
    both = Ends()
    try:
        yield both
    finally:
        both.close()


def test_each_connection_is_a_line_that_carries_both_ways(ends: Ends) -> None:
    with ends.connected() as one, ends.connected() as two:
        assert {ends.heard(), ends.heard()} == {LineWanted(1), LineWanted(2)}
        two.sendall(b"ask")
        assert ends.heard() == SourceBytes(b"ask", 2)
        ends.say(SourceBytes(b"told", 2))
        assert two.recv(10) == b"told"
        one.sendall(b"x")
        assert ends.heard() == SourceBytes(b"x", 1)


def test_either_side_ends_a_line(ends: Ends) -> None:
    with ends.connected() as one, ends.connected() as two:
        ends.heard(), ends.heard()
        one.close()
        assert ends.heard() == SourceEnded(1)
        ends.say(SourceBytes(b"late", 1))
        ends.say(SourceEnded(2))
        assert two.recv(10) == b""
    with ends.connected():
        assert ends.heard() == LineWanted(3)


def test_there_are_no_more_lines_than_the_parent_would_open(ends: Ends) -> None:
    for number in range(1, MOST_LINES + 1):
        ends.connected().close()
        assert [ends.heard(), ends.heard()] == [LineWanted(number), SourceEnded(number)]
    with ends.connected() as refused:
        assert refused.recv(1) == b""


def test_when_the_parent_has_gone_connections_end() -> None:
    both = Ends()
    with both.connected() as one:
        both.heard()
        both.close()
        assert one.recv(1) == b""


def test_a_line_outside_of_its_range_is_no_message() -> None:
    with pytest.raises(msgspec.ValidationError):
        unpack_reply(framed(LineWanted(MOST_LINES + 1))[4:])


def test_datagrams_go_to_whoever_has_spoken_first_and_keep_their_bounds() -> None:
    both = Ends(DatagramTunnel)
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one, socket.socket(type=socket.SOCK_DGRAM) as two:
            one.settimeout(PATIENCE_SECONDS)
            place = ("127.0.0.1", both.tunnel.port)
            both.say(SourceBytes(b"to nobody yet", 1))
            one.sendto(b"a", place)
            assert [both.heard(), both.heard()] == [LineWanted(1), SourceBytes(b"a", 1)]
            two.sendto(b"stranger", place)
            one.sendto(b"b" * 1400, place)
            assert both.heard() == SourceBytes(b"b" * 1400, 1)
            both.say(SourceBytes(b"c", 1))
            both.say(SourceBytes(b"d", 1))
            assert [one.recv(10), one.recv(10)] == [b"c", b"d"]
        both.say(SourceBytes(b"nobody hears it", 1))
        both.say(SourceBytes(b"nor this", 1))
    finally:
        both.close()
