"""What the fork server and its parent say to each other; one message is one packet of a sequenced-packet socket."""

from __future__ import annotations

import msgspec


class Fork(msgspec.Struct, frozen=True, tag=True):
    """Fork a child; its socket comes with the message as a file descriptor."""

    token: int
    """Chosen by the parent, returned in Forked."""
    spare: bool = False
    """True: nobody waits for this child yet, so it may first do what makes it faster later."""


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The libraries are loaded."""

    network: str
    """Whether children can reach a network, in words for a log."""


class Forked(msgspec.Struct, frozen=True, tag=True):
    """The child runs; its process file descriptor comes with the message."""

    token: int
    pid: int
    """For logs; signals go by the process file descriptor."""


class Exited(msgspec.Struct, frozen=True, tag=True):
    """A child is dead and reaped."""

    pid: int
    status: int
    """Exit status, or minus the signal's number."""


Report = Ready | Forked | Exited
_encoder = msgspec.msgpack.Encoder()
_forks = msgspec.msgpack.Decoder(Fork)
_reports: msgspec.msgpack.Decoder[Report] = msgspec.msgpack.Decoder(Report)


def pack(message: Fork | Report) -> bytes:
    """The bytes of one packet."""
    return _encoder.encode(message)


def unpack_fork(packet: bytes) -> Fork:
    """What the parent says."""
    return _forks.decode(packet)


def unpack_report(packet: bytes) -> Report:
    """What the fork server says."""
    return _reports.decode(packet)
