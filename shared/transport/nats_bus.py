"""The bus on NATS JetStream."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Self

from nats.aio.errors import ErrNoServers
from nats.errors import AuthorizationError
from nats.js.errors import NotFoundError

from shared.model.errors import Misconfigured, Unavailable
from shared.model.silences import unanswered
from shared.transport.bus import Depth
from shared.transport.jetstream_kept import JetStreamKept
from shared.transport.nats_access import NatsAccess
from shared.transport.nats_client import AbruptClient
from shared.transport.nats_errors import DOWN, OR_SILENT, down, patiently
from shared.transport.nats_messages import NatsMessage, each, pulled_from, pushed
from shared.transport.nats_replay import Replay
from shared.transport.nats_streams import consumer, declare, inbox
from shared.transport.topology import FRAMES, Queue, keeper

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from datetime import datetime

    from nats.aio.msg import Msg
    from nats.js import JetStreamContext

    from shared.transport.bus import Answer, Headers

CONNECT_SECONDS = 10.0
CONNECT_TO_ONE_SECONDS = 2
"""A host that is gone refuses nothing: another is tried after so long."""
PING_SECONDS, PINGS = 4, 2
"""A server that was asked so often, with such pauses, and has not answered is gone: so is a host without power."""
RESTORE_PAUSE_SECONDS = 0.25
FLUSH_SECONDS = 5.0
FLUSH_FORGET_SECONDS = 3600
"""Longer than any server is away and still answers; one that was replaced answers nothing."""
_log = logging.getLogger(__name__)


class NatsBus(JetStreamKept):
    """A connection to NATS that comes back by itself when the server does."""

    def __init__(self, access: NatsAccess) -> None:
        self._access = access
        self._client = AbruptClient()
        self._stream: JetStreamContext = self._client.jetstream(timeout=5.0)
        self._queues: set[Queue] = set()
        """Those that are consumed here."""
        self._replays: set[Replay] = set()
        """Those that are watched here."""
        self._memory_since: datetime | None = None
        """When the stream of frames was made, by the server's clock."""
        self._last_frame = 0
        """Number of the newest message that the stream of frames was seen to have."""
        self._restoring: asyncio.Task[None] | None = None
        self.losses = 0
        """How often a server has come back without what it had kept in memory."""

    @classmethod
    async def connect(cls, servers: NatsAccess | str, name: str) -> Self:
        """Connect, and create or bring up to date every stream.

        servers: all that there is to know, or the URL alone. Raises Misconfigured if nobody answers there, or streams
        are not taken.
        """
        access = NatsAccess(servers) if isinstance(servers, str) else servers
        bus = cls(access)
        try:
            connecting = bus._client.connect(
                access.servers,
                name=name,
                max_reconnect_attempts=-1,
                reconnect_time_wait=0.25,  # type: ignore[arg-type]  # seconds, of which it takes fractions
                connect_timeout=CONNECT_TO_ONE_SECONDS,
                ping_interval=PING_SECONDS,
                max_outstanding_pings=PINGS,
                error_cb=_ignore,
                reconnected_cb=bus._reconnected,
                **access.options(),
            )
            await asyncio.wait_for(connecting, CONNECT_SECONDS)  # who reconnects for ever also connects for ever
        except (*DOWN, ErrNoServers) as error:
            why = " It did not accept us." if isinstance(bus._client.last_error, AuthorizationError) else ""
            raise Misconfigured(
                f"No NATS server answers at {access.places}: start one, or name another by VISAVIS_NATS_URL "
                f"(of `visavis up`: --nats).{why}"
            ) from error
        try:
            await bus._declare_all()
        except Unavailable as error:
            await bus.close()
            raise Misconfigured(f"{error} Are all servers of the cluster there?") from error
        return bus

    @property
    def jetstream(self) -> JetStreamContext:
        """For what has a contract of its own, beside that of the bus."""
        return self._stream

    async def close(self) -> None:
        """Send what is pending, if it is taken, and disconnect."""
        if self._restoring is not None:
            self._restoring.cancel()
        try:
            await self._client.flush(timeout=2)
        except (*DOWN, RuntimeError):  # uvloop's word, as below
            self._client.give_up()
        with suppress(*DOWN, RuntimeError):  # uvloop's word for writing to a connection that the server has closed
            await self._client.close()

    async def publish(self, subject: str, body: bytes, headers: Headers | None = None) -> None:
        """Put a message into the stream that keeps `subject`; returns when the stream has it.

        While a cluster elects who leads the stream it is waited for, and the message may be kept twice.
        """
        with down(f"The bus did not take a message for {subject}"):
            kept = await patiently(
                lambda: self._stream.publish(subject, body, headers=dict(headers) if headers else None),
                self._patience,
            )
        if kept.stream == FRAMES.name:
            self._last_frame = max(self._last_frame, kept.seq)

    @asynccontextmanager
    async def consume(
        self, queue: Queue, until: asyncio.Event | None = None
    ) -> AsyncIterator[AsyncIterator[NatsMessage]]:
        """Messages of a queue, until the context ends; see Bus.consume."""
        with down(f"The queue {queue.name} cannot be had"):
            await patiently(lambda: self._stream.add_consumer(queue.stream, config=consumer(queue)), self._patience)
            messages, stop = await self._open(queue, until or asyncio.Event())
        self._queues.add(queue)
        try:
            yield messages
        finally:
            self._queues.discard(queue)
            with suppress(*DOWN):
                await stop()

    async def last(self, subject: str) -> bytes | None:
        """The newest kept message on `subject`; None if there is none."""
        with down(f"The bus does not answer for {subject}"):
            try:
                stream = keeper(subject).name
                message = await patiently(
                    lambda: self._stream.get_last_msg(stream, subject, direct=True), self._patience
                )
            except NotFoundError:
                return None
        return message.data or b""

    async def waiting(self, pattern: str) -> set[str]:
        """The subjects that fit the pattern and on which a message is kept."""
        with down(f"The bus does not answer for {pattern}"):
            stream = keeper(pattern).name
            info = await patiently(lambda: self._stream.stream_info(stream, subjects_filter=pattern), self._patience)
        return set(info.state.subjects or ())

    async def count(self, pattern: str) -> int:
        """How many messages are kept on subjects that fit the pattern."""
        with down(f"The bus does not answer for {pattern}"):
            info = await self._stream.stream_info(keeper(pattern).name, subjects_filter=pattern)
        return sum((info.state.subjects or {}).values())

    async def depth(self, queue: Queue) -> Depth:
        """How much waits in a queue; where nobody has consumed it yet, all that is kept for it."""
        with down(f"The bus does not answer for {queue.name}"):
            try:
                info = await self._stream.consumer_info(queue.stream, queue.name)
            except NotFoundError:
                return Depth(await self.count(queue.subject), 0)
        return Depth(info.num_pending or 0, info.num_ack_pending or 0)

    @asynccontextmanager
    async def replay(self, subject: str) -> AsyncIterator[AsyncIterator[NatsMessage]]:
        """All kept messages on `subject`, then the new ones as they come."""
        replay = Replay(self._stream, subject, self._client.new_inbox())
        with down(f"{subject} cannot be replayed"):
            subscription = await self._client.subscribe(replay.inbox)
        try:
            with down(f"{subject} cannot be replayed"):
                await patiently(replay.begin, self._patience)
            self._replays.add(replay)
            yield replay.new_ones(subscription)
        finally:
            self._replays.discard(replay)
            with suppress(*DOWN):
                await subscription.unsubscribe()
                await replay.end()

    async def send(self, subject: str, body: bytes, headers: Headers | None = None) -> None:
        """To whoever listens now; at most once."""
        with down(f"The bus did not take a message for {subject}"):
            await self._client.publish(subject, body, headers=dict(headers) if headers else None)

    @asynccontextmanager
    async def listen(self, subject: str, *, asking: bool = False) -> AsyncIterator[AsyncIterator[NatsMessage]]:
        """Everything sent to `subject` from the moment the context is entered; see Bus.listen."""
        with down(f"The bus does not let us listen on {subject}"):
            subscription = await self._client.subscribe(subject)
        try:
            if not asking:
                with down(f"The bus does not let us listen on {subject}"):
                    await self._reach()
            yield pushed(subscription)
        finally:
            with suppress(*DOWN):
                await subscription.unsubscribe()

    async def request(
        self, subject: str, body: bytes, headers: Headers | None = None, timeout_seconds: float = 2.0
    ) -> bytes:
        """The answer of one of those who answer there. Raises Unavailable if nobody does."""
        with down(unanswered(subject)):
            reply = await self._client.request(
                subject, body, timeout=timeout_seconds, headers=dict(headers) if headers else None
            )
        return bytes(reply.data)

    @asynccontextmanager
    async def answer(self, subject: str, group: str, using: Answer) -> AsyncIterator[None]:
        """Answer requests, sharing them with the others of the group, until the context ends; see Bus.answer."""
        tasks: set[asyncio.Task[None]] = set()

        async def respond(message: Msg) -> None:  # the client waits for one before it calls the next
            task = asyncio.create_task(_respond(message, using))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        with down(f"The bus does not let us answer on {subject}"):
            subscription = await self._client.subscribe(subject, queue=group, cb=respond)
        try:
            with down(f"The bus does not let us answer on {subject}"):
                await self._reach()
            yield
            with suppress(*DOWN):
                await asyncio.shield(subscription.drain())  # type: ignore[no-untyped-call]  # a flush is in it: see `_reach`
            while tasks:
                await asyncio.wait(tuple(tasks))
        finally:
            with suppress(*DOWN):
                await subscription.unsubscribe()
            for task in tasks:
                task.cancel()

    async def _reach(self) -> None:
        """Until the server has all that was written. Nobody who gives up takes the flush with him: nats-py 2.16 stops
        reading, for good, when the answer to a cancelled flush comes (InvalidStateError in Client._process_pong)."""
        flushing = asyncio.ensure_future(self._client.flush(timeout=FLUSH_FORGET_SECONDS))
        flushing.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        done, _ = await asyncio.wait((flushing,), timeout=FLUSH_SECONDS)
        if not done:
            raise TimeoutError
        flushing.result()

    async def _open(
        self, queue: Queue, until: asyncio.Event
    ) -> tuple[AsyncIterator[NatsMessage], Callable[[], Awaitable[None]]]:
        if queue.prefetch:
            arrived: asyncio.Queue[Msg] = asyncio.Queue()
            pushed = await self._client.subscribe(inbox(queue), queue=queue.name, cb=arrived.put)
            return each(arrived), pushed.unsubscribe
        pulled = await self._stream.pull_subscribe_bind(queue.name, queue.stream)
        return pulled_from(pulled, until), pulled.unsubscribe

    async def _reconnected(self) -> None:
        """Restores beside: nats-py waits for this, and an election may take longer than the next connection lasts."""
        if self._restoring is not None:
            self._restoring.cancel()
        self._restoring = asyncio.create_task(self._restore())

    async def _restore(self) -> None:
        """After a reconnection: the server may be a new one, whose streams in memory are gone with their consumers."""
        while not self._client.is_closed:
            with suppress(Unavailable, *DOWN):
                await self._declare_all()
                for queue in tuple(self._queues):
                    await self._stream.add_consumer(queue.stream, config=consumer(queue))
                for replay in tuple(self._replays):
                    await replay.begin()
                return
            await asyncio.sleep(RESTORE_PAUSE_SECONDS)

    async def _declare_all(self) -> None:
        last_frame = self._last_frame  # of now: the server's answer will know of it, and not of what follows
        made = await declare(self._stream, self._access.replicas, in_cluster=self._is_in_cluster)
        frames = made[FRAMES]
        began_anew = self._memory_since not in {None, frames.created}
        is_lost = (
            began_anew or frames.state.last_seq < last_frame
        )  # of a cluster that began anew it is as old as before
        self.losses += is_lost
        self._memory_since = frames.created
        self._last_frame = 0 if is_lost else max(self._last_frame, frames.state.last_seq)

    @property
    def _patience(self) -> tuple[type[Exception], ...]:
        """What is tried again after. Nobody is elected where a server is alone: it is away, and who asks is told so."""
        return OR_SILENT if self._is_in_cluster else ()

    @property
    def _is_in_cluster(self) -> bool:
        return bool(self._client._server_info.get("cluster"))  # noqa: SLF001  -- nats-py tells it by no other name


async def _respond(message: Msg, using: Answer) -> None:
    try:
        await message.respond(await using(NatsMessage(message)))
    except DOWN:
        return  # who asked will ask again
    except Exception:  # noqa: BLE001  -- who asked hears of it by the missing answer, and nobody else must suffer
        _log.exception("a request to %s was not answered", message.subject)


async def _ignore(error: Exception) -> None:
    """The client retries by itself; whoever calls meanwhile gets Unavailable."""


__all__ = ["NatsBus", "NatsMessage"]
