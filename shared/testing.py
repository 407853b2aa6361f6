"""The doubles that ship: the bus and the context store. One suite runs on each and on the real things."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, TypeVar

from shared.model.errors import Misconfigured, Unavailable
from shared.model.silences import unanswered
from shared.transport.bus import Depth
from shared.transport.context import checked, lifetime
from shared.transport.topology import Queue, Stream, keeper, matches

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from shared.transport.bus import Answer, Headers

T = TypeVar("T")
MAX_BODY_BYTES = 1 << 20
"""What a NATS server takes by default."""


@dataclass(slots=True)
class MemoryMessage:
    """A message as it came, or as it is kept."""

    subject: str
    body: bytes
    headers: Headers
    number: int = 0
    """Its place among all that was ever kept, from 1."""
    kept_at: float = 0.0
    """By the clock of the event loop."""
    kept_unix_seconds: float = 0.0
    tries: int = 0
    due: float = 0.0
    """When it may be given out (again), by the clock of the event loop."""


@dataclass(slots=True)
class MemoryDelivery:
    """A message of a queue, given to one consumer."""

    message: MemoryMessage
    queue: Queue
    tries: int
    forget: Callable[[MemoryMessage], None]
    stir: Callable[[], None]
    ended: bool = False

    @property
    def subject(self) -> str:
        """Where it was sent to."""
        return self.message.subject

    @property
    def body(self) -> bytes:
        """What was sent."""
        return self.message.body

    @property
    def headers(self) -> Headers:
        """Names and values."""
        return self.message.headers

    async def done(self) -> None:
        """It was dealt with."""
        self._end()
        self.forget(self.message)

    async def retry(self, delay_seconds: float) -> None:
        """Give it to someone again, after a while."""
        self._end()
        self.message.due = _now() + delay_seconds
        self.stir()

    async def discard(self) -> None:
        """Never deliver it again."""
        await self.done()

    async def working(self) -> None:
        """It takes longer: count the acknowledgement time from now."""
        assert not self.ended  # noqa: S101  -- the double finds what the bus would let pass
        self.message.due = _now() + self.queue.ack_wait_seconds

    def _end(self) -> None:
        assert not self.ended, f"{self.subject} was ended twice"  # noqa: S101  -- see working()
        self.ended = True


class MemoryBus:
    """Streams, queues, listeners and answers of one event loop. Times are real: a queue's ack_wait is waited for."""

    def __init__(self) -> None:
        self._down = False
        self._kept: dict[str, list[MemoryMessage]] = {}
        self._heard: dict[str, dict[int, MemoryMessage | None]] = {}
        """How far the queues of streams that are none have come: by queue and number; None: dealt with."""
        self._listeners: list[tuple[str, asyncio.Queue[MemoryMessage]]] = []
        self._answers: dict[str, dict[str, list[Answer]]] = {}
        self._numbers = count(1)
        self._changed = asyncio.Event()
        self.losses = 0
        """As if so often what is kept in memory only had been lost."""

    @property
    def down(self) -> bool:
        """True: as if the server was away, every method raises Unavailable and nothing is delivered."""
        return self._down

    @down.setter
    def down(self, down: bool) -> None:
        self._down = down
        self._stir()

    def kept(self, pattern: str) -> list[MemoryMessage]:
        """All that is kept now on subjects that fit the pattern, oldest first. For assertions."""
        found = [one for kept in self._kept.values() for one in kept if matches(pattern, one.subject)]
        return sorted(found, key=lambda one: one.number)

    async def publish(self, subject: str, body: bytes, headers: Headers | None = None) -> None:
        """Put a message into the stream that keeps `subject`."""
        try:
            stream = keeper(subject)
        except Misconfigured as error:
            raise Unavailable(str(error)) from error
        self._keep(stream, self._sent(subject, body, headers))

    @asynccontextmanager
    async def consume(
        self, queue: Queue, until: asyncio.Event | None = None
    ) -> AsyncIterator[AsyncIterator[MemoryDelivery]]:
        """Messages of a queue, until the context ends; see Bus.consume."""
        self._must_be_up()
        if not queue.prefetch:
            yield self._taken(queue, until)
            return
        pushed: asyncio.Queue[MemoryDelivery] = asyncio.Queue()
        pump = asyncio.create_task(self._push(queue, pushed))
        try:
            yield _drain(pushed)
        finally:
            pump.cancel()

    async def last(self, subject: str) -> bytes | None:
        """The newest kept message on `subject`; None if there is none."""
        self._must_be_up()
        found = [one for one in self._alive(keeper(subject)) if one.subject == subject]
        return found[-1].body if found else None

    async def waiting(self, pattern: str) -> set[str]:
        """The subjects that fit the pattern and on which a message is kept."""
        self._must_be_up()
        return {one.subject for one in self._alive(keeper(pattern)) if matches(pattern, one.subject)}

    async def count(self, pattern: str) -> int:
        """How many messages are kept on subjects that fit the pattern."""
        return len([one async for one in self.browse(pattern)])

    async def depth(self, queue: Queue) -> Depth:
        """How much waits in a queue; where nobody has consumed it yet, all that is kept for it."""
        self._must_be_up()
        tries = [one.tries for one in self._of(queue)]
        return Depth(tries.count(0), len(tries) - tries.count(0))

    @asynccontextmanager
    async def replay(self, subject: str) -> AsyncIterator[AsyncIterator[MemoryMessage]]:
        """All kept messages on `subject`, then the new ones as they come."""
        self._must_be_up()
        yield self._replayed(subject, keeper(subject))

    async def browse(self, subject: str, number: int = 1) -> AsyncIterator[MemoryMessage]:
        """What is kept on subjects that fit the pattern, oldest first, from that number on."""
        self._must_be_up()
        for message in self.kept(subject):
            if message.number >= number:
                yield message

    async def newest(self, subject: str) -> MemoryMessage | None:
        """The newest message that is kept on subjects that fit the pattern; None if there is none."""
        self._must_be_up()
        return next(reversed(self.kept(subject)), None)

    async def remove(self, subject: str, number: int) -> bool:
        """Remove the message of that number from the stream that keeps `subject`; False if it has none."""
        self._must_be_up()
        return self._removed(keeper(subject), lambda one: one.number == number) > 0

    async def purge(self, subject: str) -> int:
        """Remove what is kept on subjects that fit the pattern; answers how many there were."""
        self._must_be_up()
        return self._removed(keeper(subject), lambda one: matches(subject, one.subject))

    async def send(self, subject: str, body: bytes, headers: Headers | None = None) -> None:
        """To whoever listens now; a stream that keeps the subject keeps it too."""
        message = self._sent(subject, body, headers)
        with suppress(Misconfigured):
            self._keep(keeper(subject), message)

    @asynccontextmanager
    async def listen(self, subject: str, *, asking: bool = False) -> AsyncIterator[AsyncIterator[MemoryMessage]]:  # noqa: ARG002  -- at once in any case
        """Everything sent to `subject` from the moment the context is entered."""
        self._must_be_up()
        heard: asyncio.Queue[MemoryMessage] = asyncio.Queue()
        self._listeners.append((subject, heard))
        try:
            yield _drain(heard)
        finally:
            self._listeners = [pair for pair in self._listeners if pair[1] is not heard]

    async def request(
        self, subject: str, body: bytes, headers: Headers | None = None, timeout_seconds: float = 2.0
    ) -> bytes:
        """The answer of one of those who answer there. Raises Unavailable if nobody does."""
        message = self._sent(subject, body, headers)
        groups = [group for group in self._answers.get(subject, {}).values() if group]
        if not groups:
            raise Unavailable(f"{unanswered(subject)}: nobody is there.")
        for group in groups:  # the next in turn of each group
            group.append(group.pop(0))
        answers = [asyncio.ensure_future(group[-1](message)) for group in groups]
        finished, late = await asyncio.wait(answers, timeout=timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
        for answer in late:
            answer.cancel()
        if not finished:
            raise Unavailable(f"{unanswered(subject)}: timeout.")
        try:
            return next(iter(finished)).result()
        except Exception as error:
            raise Unavailable(f"{unanswered(subject)}: who should have failed.") from error

    @asynccontextmanager
    async def answer(self, subject: str, group: str, using: Answer) -> AsyncIterator[None]:
        """Answer requests, sharing them with the others of the group, until the context ends."""
        self._must_be_up()
        members = self._answers.setdefault(subject, {}).setdefault(group, [])
        members.append(using)
        try:
            yield
        finally:
            members.remove(using)

    def _must_be_up(self) -> None:
        if self.down:
            raise Unavailable("The bus is down.")

    def _sent(self, subject: str, body: bytes, headers: Headers | None) -> MemoryMessage:
        """A message on its way, heard by all who listen."""
        self._must_be_up()
        if len(body) > MAX_BODY_BYTES:
            raise Unavailable(f"The bus did not take {len(body)} bytes for {subject}: it takes {MAX_BODY_BYTES}.")
        message = MemoryMessage(subject, bytes(body), dict(headers or {}))
        for heard in (heard for pattern, heard in self._listeners if matches(pattern, subject)):
            heard.put_nowait(message)
        return message

    def _keep(self, stream: Stream, message: MemoryMessage) -> None:
        kept = self._alive(stream)
        full = sum(len(one.body) for one in kept) + len(message.body) > stream.max_bytes
        if full and stream.is_queue:
            raise Unavailable(f"The stream {stream.name} is full.")
        same = [one for one in kept if one.subject == message.subject]
        if 0 < stream.max_per_subject <= len(same):
            kept.remove(same[0])
        elif full:
            kept.pop(0)
        message.number, message.kept_at, message.kept_unix_seconds = next(self._numbers), _now(), time.time()
        kept.append(message)
        self._stir()

    def _alive(self, stream: Stream) -> list[MemoryMessage]:
        """What a stream keeps, without what is too old."""
        kept = self._kept.setdefault(stream.name, [])
        if stream.max_age_seconds:
            since = _now() - stream.max_age_seconds
            kept[:] = [one for one in kept if one.kept_at >= since]
        return kept

    def _removed(self, stream: Stream, wanted: Callable[[MemoryMessage], bool]) -> int:
        kept, before = self._alive(stream), len(self._alive(stream))
        kept[:] = [one for one in kept if not wanted(one)]
        self._stir()
        return before - len(kept)

    def _forget(self, queue: Queue, message: MemoryMessage) -> None:
        stream = keeper(message.subject)
        if stream.is_queue:
            kept = self._kept[stream.name]
            kept[:] = [one for one in kept if one is not message]
        else:
            self._heard[queue.name][message.number] = None
        self._stir()

    def _stir(self) -> None:
        """Wake all who wait for a change."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def _stirred(self, until: float | None = None) -> None:
        changed = self._changed
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await changed.wait()

    async def _push(self, queue: Queue, pushed: asyncio.Queue[MemoryDelivery]) -> None:
        async for delivery in self._taken(queue):
            pushed.put_nowait(delivery)
            await asyncio.sleep(0)  # the next consumer's turn

    async def _taken(self, queue: Queue, until: asyncio.Event | None = None) -> AsyncIterator[MemoryDelivery]:
        while until is None or not until.is_set():
            message = None if self.down else self._next(queue)
            if message is None:
                await self._stirred(self._next_due(queue))
                continue
            message.tries += 1
            message.due = _now() + queue.ack_wait_seconds
            yield MemoryDelivery(message, queue, message.tries, partial(self._forget, queue), self._stir)

    def _next(self, queue: Queue) -> MemoryMessage | None:
        """The oldest message that may be given out now."""
        now, mine = _now(), self._of(queue)
        room = sum(one.tries > 0 for one in mine) < queue.max_ack_pending
        return next((one for one in mine if one.due <= now and (one.tries or room)), None)

    def _next_due(self, queue: Queue) -> float:  # soon in any case, for those who want no more
        return min([_now() + 0.25, *(one.due for one in self._of(queue) if one.due > _now())])

    def _of(self, queue: Queue) -> list[MemoryMessage]:
        """What the queue has still to deliver or to hear of: not what was delivered too often."""
        now, most = _now(), queue.max_deliver
        open_ones = (one for one in self._open_to(queue) if matches(queue.subject, one.subject))
        return [one for one in open_ones if most < 0 or one.tries < most or one.due > now]

    def _open_to(self, queue: Queue) -> list[MemoryMessage]:
        """What its stream keeps, as far as the queue has not dealt with it."""
        stream = keeper(queue.subject)
        alive = self._alive(stream)
        if stream.is_queue:
            return alive
        heard = self._heard.setdefault(queue.name, {})
        copies = [heard.setdefault(one.number, replace(one)) for one in alive]
        return [one for one in copies if one is not None]

    async def _replayed(self, subject: str, stream: Stream) -> AsyncIterator[MemoryMessage]:
        seen = 0
        while True:
            alive = [] if self.down else self._alive(stream)
            new = [one for one in alive if one.number > seen and matches(subject, one.subject)]
            for message in new:
                seen = message.number
                yield message
            if not new:
                await self._stirred()


class MemoryContext:
    """See ContextStore. Times are real: what has lived its time is gone."""

    def __init__(self) -> None:
        self.down = False
        """True: as if the server was away, every method raises Unavailable."""
        self.kept: dict[str, tuple[float, bytes]] = {}
        """Until when, by the clock of the event loop, and what."""

    async def get(self, name: str) -> bytes | None:
        """What was put there last; None if nothing is there, or not any more."""
        self._must_be_up(name)
        until, body = self.kept.get(name, (0.0, b""))
        return body if _now() < until else None

    async def put(self, name: str, body: bytes, seconds: float) -> None:
        """Keep a value instead of the one before, for so long."""
        self._must_be_up(name)
        self.kept[name] = (_now() + lifetime(body, seconds), bytes(body))

    async def remove(self, *names: str) -> int:
        """Keep nothing there; at how many names there was something."""
        self._must_be_up(*names)
        return sum(self.kept.pop(name, (0.0, b""))[0] > _now() for name in names)

    def _must_be_up(self, *names: str) -> None:
        checked(*names)
        if self.down:
            raise Unavailable("The context store is down.")


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _drain(queue: asyncio.Queue[T]) -> AsyncIterator[T]:
    while True:
        yield await queue.get()
