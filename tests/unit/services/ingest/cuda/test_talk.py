"""What a hostile child may send to the card decoder."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from services.ingest.cuda.decoder import CardRefused
from services.ingest.cuda.talk import SourceGone, StreamTalk
from services.ingest.messages.coded import MOST_PACKET_BYTES, CodedPacket
from services.ingest.messages.decoder import Finished, GoesOn, NoMoreFrames, framed
from shared.model.media import DecodeSummary

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKET = CodedPacket(1, 0, None, 0, is_damaged=False, is_hidden=False, body=b"x")


class Ends:
    """Both far ends of a stream's connections."""

    def __init__(self, silence_seconds: float = 20) -> None:
        self.ingest, ours = socket.socketpair()
        self.child, source = socket.socketpair()
        self.talk = StreamTalk(ours, source, silence_seconds)

    def close(self) -> None:
        for one in (self.ingest, self.child, self.talk):
            one.close()


@pytest.fixture
def ends() -> Iterator[Ends]:
    made = Ends()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (framed(PACKET), "something else than its packets in order"),
        (framed(GoesOn()), "something else than its packets in order"),
        ((MOST_PACKET_BYTES + 5000).to_bytes(4, "little"), "bytes at once"),
        (b"\x03\0\0\0abc", "what is no message"),
    ],
    ids=["a gap", "another word", "too much", "no message"],
)
def test_what_is_no_packet_in_order_is_refused(ends: Ends, sent: bytes, why: str) -> None:
    ends.child.sendall(sent)
    with pytest.raises(CardRefused, match=why):
        next(ends.talk.packets())


def test_a_child_that_hangs_up_is_gone(ends: Ends) -> None:
    ends.child.sendall(framed(PACKET)[:7])
    ends.child.close()
    with pytest.raises(SourceGone):
        next(ends.talk.packets())


def test_a_child_that_falls_silent_is_given_up() -> None:
    ends = Ends(0.01)
    with pytest.raises(CardRefused, match="fell silent"):
        next(ends.talk.packets())
    ends.close()


def test_ingest_that_hangs_up_ends_the_stream(ends: Ends) -> None:
    ends.ingest.close()
    with pytest.raises(EOFError):
        ends.talk.grant()
    with pytest.raises(EOFError):
        ends.talk.say(GoesOn())


def test_the_last_word_is_heard_although_grants_were_on_their_way(ends: Ends) -> None:
    ends.ingest.sendall(framed(NoMoreFrames()) * 3)
    ends.ingest.shutdown(socket.SHUT_WR)
    last = Finished(DecodeSummary(frames=1))
    ends.talk.tell(last)
    ends.talk.wait()
    ends.talk.close()
    assert ends.ingest.recv(1 << 16) == framed(last)
