"""What a service may do on the bus. NATS speaks it (`nats_bus`), and the double in `shared.testing`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from shared.transport.topology import Queue

    Headers = Mapping[str, str]
    Answer = Callable[["Received"], Awaitable[bytes]]


class Received(Protocol):
    """A message as it came."""

    @property
    def subject(self) -> str:
        """Where it was sent to."""
        ...

    @property
    def body(self) -> bytes:
        """What was sent."""
        ...

    @property
    def headers(self) -> Headers:
        """Names and values; empty if there are none."""
        ...


class Delivery(Received, Protocol):
    """A message of a queue. Exactly one of done, retry and discard ends it."""

    @property
    def tries(self) -> int:
        """How often it was delivered, this time included."""
        ...

    async def done(self) -> None:
        """It was dealt with."""
        ...

    async def retry(self, delay_seconds: float) -> None:
        """Give it to someone again, after a while."""
        ...

    async def discard(self) -> None:
        """Never deliver it again."""
        ...

    async def working(self) -> None:
        """It takes longer: count the acknowledgement time from now."""
        ...


class Kept(Received, Protocol):
    """A message as a stream keeps it."""

    @property
    def number(self) -> int:
        """Its place in its stream, from 1; no other message of the stream ever has it."""
        ...

    @property
    def kept_unix_seconds(self) -> float:
        """Since when it is kept."""
        ...


class Depth(NamedTuple):
    """How much waits in a queue."""

    lag: int
    """Messages that nobody has been given yet."""
    unsettled: int
    """Messages that somebody has been given and has not ended: they are worked on, or wait to be given again."""


class Bus(Protocol):
    """Publish and consume what is kept; send, listen, request and answer what is not.

    Every method raises Unavailable if the bus does not answer.
    """

    @property
    def losses(self) -> int:
        """How often it was noticed that the bus has lost what it keeps in memory only: frames on their way."""
        ...

    async def publish(self, subject: str, body: bytes, headers: Headers | None = None) -> None:
        """Put a message into the stream that keeps `subject`; returns when the stream has it."""
        ...

    def consume(
        self, queue: Queue, until: asyncio.Event | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[Delivery]]:
        """Messages of a queue, until the context ends.

        until: when it is set no more are asked for, and they end with what was asked for before; of queues whose
        messages are asked for one by one (not `Queue.prefetch`).
        """
        ...

    async def last(self, subject: str) -> bytes | None:
        """The newest kept message on `subject`; None if there is none."""
        ...

    async def waiting(self, pattern: str) -> set[str]:
        """The subjects that fit the pattern and on which a message is kept; of a queue, one not yet acknowledged."""
        ...

    async def count(self, pattern: str) -> int:
        """How many messages are kept on subjects that fit the pattern."""
        ...

    async def depth(self, queue: Queue) -> Depth:
        """How much waits in a queue; where nobody has consumed it yet, all that is kept for it."""
        ...

    def replay(self, subject: str) -> AbstractAsyncContextManager[AsyncIterator[Received]]:
        """All kept messages on `subject`, then the new ones as they come."""
        ...

    def browse(self, subject: str, number: int = 1) -> AsyncIterator[Kept]:
        """What is kept on subjects that fit the pattern, oldest first, from that number on; nothing is taken away."""
        ...

    async def newest(self, subject: str) -> Kept | None:
        """The newest message that is kept on subjects that fit the pattern; None if there is none."""
        ...

    async def remove(self, subject: str, number: int) -> bool:
        """Remove the message of that number from the stream that keeps `subject`; False if it has none."""
        ...

    async def purge(self, subject: str) -> int:
        """Remove what is kept on subjects that fit the pattern, waiting for a consumer or not; says how many."""
        ...

    async def send(self, subject: str, body: bytes, headers: Headers | None = None) -> None:
        """To whoever listens now; at most once."""
        ...

    def listen(self, subject: str, *, asking: bool = False) -> AbstractAsyncContextManager[AsyncIterator[Received]]:
        """Everything sent to `subject` (`*` stands for one word) from the moment the context is entered.

        asking: what comes is called forth by a request of ours that follows. It reaches the server after the
        subscription, so that nobody need wait for the server to confirm that.
        """
        ...

    async def request(
        self, subject: str, body: bytes, headers: Headers | None = None, timeout_seconds: float = 2.0
    ) -> bytes:
        """The answer of one of those who answer there. Raises Unavailable if nobody does."""
        ...

    def answer(self, subject: str, group: str, using: Answer) -> AbstractAsyncContextManager[None]:
        """Answer requests, sharing them with the others of the group, until the context ends.

        Who has asked by then is answered first; with an exception in the context nobody is.
        """
        ...
