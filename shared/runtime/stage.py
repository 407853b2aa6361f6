"""THE loop of all services: receive, trace, work, publish, acknowledge. It stands nowhere else.

What becomes of a message is decided by the class of the exception (`shared.model.errors`).
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import msgspec

from shared.model.errors import Late, Lost, Malformed, Misconfigured, Postponed, Rejected, Unavailable
from shared.model.frames import DetectedFrame, FacesDetected, FramesCaptured
from shared.model.hops import Hop
from shared.model.job_subjects import DEAD
from shared.model.jobs import Problem
from shared.runtime.logs import log, now_about
from shared.runtime.telemetry import HopNotes, sent_ns_of
from shared.transport import wire
from shared.transport.dead_letters import REASON_HEADER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from shared.runtime.telemetry import Telemetry
    from shared.transport.bus import Bus, Delivery
    from shared.transport.topology import Queue

M = TypeVar("M", bound=msgspec.Struct)
LONGEST_DELAY_SECONDS = 10.0
BURY_AGAIN_SECONDS = 0.5
HAND_BACK_SECONDS = 2.0
"""Who ends does not wait for a bus that has ended, too."""
MOST_TROUBLES = 100


class Publishable(Protocol):
    """A message that knows where it goes."""

    @property
    def subject(self) -> str:
        """Its subject on the bus."""
        ...


@dataclass(slots=True)
class Passage(Generic[M]):
    """One message on its way through a service."""

    message: M
    tries: int
    waited_ms: float
    started: float
    notes: HopNotes = field(default_factory=HopNotes)
    """What the hop's spans say besides; the work may add to it."""

    def begin(self) -> None:
        """From here on it is worked on: what it waited for others is waiting."""
        now = time.perf_counter()
        self.waited_ms += (now - self.started) * 1000
        self.started = now
        self.notes.begun_ns = time.time_ns()

    def hop(self, name: str) -> Hop:
        """How long it has taken so far, a frame."""
        frames = _frames_in(self.message)
        worked_ms = (time.perf_counter() - self.started) * 1000 / frames
        return Hop(name, round(self.waited_ms, 3), round(worked_ms, 3), frames)


class Stage(Generic[M]):
    """A service as a function from message to messages."""

    def __init__(
        self,
        bus: Bus,
        telemetry: Telemetry,
        queue: Queue,
        kind: Any,
        work: Callable[[Passage[M]], Awaitable[Sequence[Publishable]]],
    ) -> None:
        """kind: the message class M, or the union of those that the queue carries."""
        self._bus = bus
        self._telemetry = telemetry
        self._queue = queue
        self._decoder = wire.decoder(kind)
        self._work = work
        self._turn = asyncio.Lock()
        self._stopping = asyncio.Event()
        self._over = asyncio.Event()
        self._left: list[Delivery] = []
        """What was being worked on when it was cancelled."""
        self._troubles: dict[bytes, str] = {}
        """What went wrong the last time here, by the bodies of messages that are to come again."""
        self.bury: Callable[[M, str], Awaitable[Sequence[Publishable]]] | None = None
        """Told of a message that goes to the dead letters, with the reason; what it answers is published."""

    async def run(self, concurrency: int = 1) -> None:
        """Deal with messages until cancelled or stopped, `concurrency` at a time. Raises Misconfigured if none can
        succeed."""
        try:
            async with self._bus.consume(self._queue, self._stopping) as deliveries, asyncio.TaskGroup() as tasks:
                for _ in range(concurrency):
                    tasks.create_task(self._take_turns(deliveries))
        finally:
            # Not before: what is still asked for would come here.
            await asyncio.gather(*map(self._hand_back, self._left))
            self._over.set()

    async def stop(self) -> None:
        """Take nothing more, and return when what was taken has come to its end; so does `run`, which must run.

        What was asked of the bus before still comes, and is handed back (`Queue.is_handed_back`).
        """
        self._stopping.set()
        await self._over.wait()

    async def _take_turns(self, deliveries: AsyncIterator[Delivery]) -> None:
        while True:
            async with self._turn:
                delivery = await anext(deliveries, None)
            if delivery is None:
                return
            if self._stopping.is_set():
                await self._hand_back(delivery)
            else:
                await self._deal_with(delivery)

    async def _hand_back(self, delivery: Delivery) -> None:
        """Have another begin with it at once, as if nobody had tried it; the tries that have failed are forgotten, too.

        One that cannot be handed back, or is about to be given up, comes again after its time.
        """
        if not self._queue.is_handed_back or delivery.tries >= self._last_try:
            return
        try:
            async with asyncio.timeout(HAND_BACK_SECONDS):
                await self._bus.publish(delivery.subject, delivery.body, delivery.headers)
                await delivery.done()
        except (Unavailable, TimeoutError) as error:
            log.warning("could not be handed back", detail=str(error) or type(error).__name__)
        else:
            log.info("handed back", subject=delivery.subject)

    @property
    def _last_try(self) -> int:
        """At the delivery of that number a message is given up."""
        return self._queue.give_up_at or self._queue.max_deliver

    async def _deal_with(self, delivery: Delivery) -> None:
        now_about()
        try:
            outcome = await self._settle(delivery)
        except Unavailable as error:  # nobody could be told: it comes again when its time is over
            outcome = "unsettled"
            log.warning("will come again", detail=str(error), tries=delivery.tries)
        self._telemetry.count(outcome)

    async def _settle(self, delivery: Delivery) -> str:
        try:
            outcome = await self._pass(delivery)
        except (Late, Lost) as error:
            outcome = type(error).__name__.lower()
            log.info("dropped", reason=outcome, detail=str(error))
            await delivery.done()
        except (Malformed, Rejected) as error:
            outcome = "malformed"
            log.error("dead letter", detail=str(error))
            await self._to_the_dead(delivery, str(error))
        except Postponed as error:
            outcome = await self._again(delivery, str(error), error.seconds)
        except Unavailable as error:
            outcome = await self._again(delivery, str(error))
        except Misconfigured:
            raise
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                self._left.append(delivery)
                raise
            log.exception("cancelled by nobody")  # what was called raised it, and the loop must go on
            outcome = await self._again(delivery, "CancelledError")
        except Exception as error:  # noqa: BLE001  -- the one place: a bug costs a message, never the service
            log.exception("unexpected")
            outcome = await self._again(delivery, f"{type(error).__name__}: {error}")
        return outcome

    async def _pass(self, delivery: Delivery) -> str:
        received_ns = time.time_ns()
        started = time.perf_counter()
        message = wire.decode(delivery.body, self._decoder)
        now_about(message)
        if delivery.tries >= self._last_try:
            return await self._give_up(delivery, message)
        sent_ns = min(received_ns, sent_ns_of(delivery.headers, received_ns))
        with self._telemetry.hop(delivery.headers, sent_ns, received_ns, tries=delivery.tries) as notes:
            if notes.are_read:
                notes.facts |= _facts_of(message)
            passage = Passage(message, delivery.tries, (received_ns - sent_ns) / 1e6, started, notes)
            with _Keeping(delivery, self._queue.ack_wait_seconds / 3):
                outcome, results = await self._worked(passage)
            hop = passage.hop(self._telemetry.service)
            for result in results:
                await self._publish(_with_hop(result, message, hop))
            await delivery.done()
            if isinstance(message, FramesCaptured | FacesDetected):
                self._telemetry.record(hop)  # within the hop: its trace is what an exemplar names
        return outcome

    async def _worked(self, passage: Passage[M]) -> tuple[str, Sequence[Publishable]]:
        """What came of it. Frames that are refused are a result too: whoever waits for them hears of it from render."""
        try:
            return "done", await self._work(passage)
        except Rejected as error:
            if not isinstance(passage.message, FramesCaptured):
                raise
            log.info("refused", code=error.code, detail=error.detail)
            passage.notes.failed = error.code
            return "refused", [passage.message.refused(Problem(error.code, error.detail))]

    async def _publish(self, result: Publishable) -> None:
        assert isinstance(result, msgspec.Struct)  # noqa: S101  -- every message is one
        await self._bus.publish(result.subject, wire.encode(result), self._telemetry.headers())

    async def _again(self, delivery: Delivery, reason: str, seconds: float | None = None) -> str:
        delay = min(LONGEST_DELAY_SECONDS, 0.25 * 2 ** (delivery.tries - 1)) if seconds is None else seconds
        while len(self._troubles) >= MOST_TROUBLES:
            self._troubles.pop(next(iter(self._troubles)))
        self._troubles[delivery.body] = reason
        log.warning("will be retried", detail=reason, tries=delivery.tries, delay_seconds=delay)
        await delivery.retry(delay)
        return "retried"

    async def _give_up(self, delivery: Delivery, message: M) -> str:
        reason = f"It was tried {delivery.tries - 1} times and never came to its end."
        trouble = self._troubles.pop(delivery.body, "")  # for who runs the service, and nobody else
        with _Keeping(delivery, self._queue.ack_wait_seconds / 3):
            while True:  # there is no delivery after this one
                try:
                    if isinstance(message, FramesCaptured):
                        await self._publish(message.refused(Problem("internal", reason)))
                    if self.bury is not None:
                        for result in await self.bury(message, reason):
                            await self._publish(result)
                    await self._to_the_dead(delivery, f"{reason} {trouble}".strip())
                except Unavailable as error:
                    log.warning("cannot be buried yet", detail=str(error))
                    await asyncio.sleep(BURY_AGAIN_SECONDS)
                else:
                    return "dead"

    async def _to_the_dead(self, delivery: Delivery, reason: str) -> None:
        headers = {
            **delivery.headers,
            REASON_HEADER: " ".join(reason.split())[:200].encode("ascii", "replace").decode(),
        }
        await self._bus.publish(f"{DEAD}{delivery.subject}", delivery.body, headers)
        await delivery.discard()


class _Keeping:
    """Says that a message is being worked on, as long as it is. Most messages are done before the first time."""

    def __init__(self, delivery: Delivery, every_seconds: float) -> None:
        self._delivery = delivery
        self._every_seconds = every_seconds
        self._saying: asyncio.Task[None] | None = None

    def __enter__(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._every_seconds, self._start)

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        if self._saying is not None:
            self._saying.cancel()

    def _start(self) -> None:
        self._saying = asyncio.create_task(self._say())

    async def _say(self) -> None:
        while True:
            with suppress(Unavailable):  # the next time says it
                await self._delivery.working()
            await asyncio.sleep(self._every_seconds)


def _frames_in(message: msgspec.Struct) -> int:
    return len(message.frames) if isinstance(message, FramesCaptured | FacesDetected) else 1


def _facts_of(message: msgspec.Struct) -> dict[str, str | int]:
    """Whose work it is, and how much, for those who look for it in traces."""
    found = {name: getattr(message, name, "") for name in ("job", "segment", "session")}
    facts: dict[str, str | int] = {name: value for name, value in found.items() if value != ""}
    match message:
        case FramesCaptured(frames=(first, *_)):
            facts |= {"frames": len(message.frames), "frame": first.sequence}
        case FacesDetected(frames=(DetectedFrame(captured=first), *_)):
            facts |= {"frames": len(message.frames), "frame": first.sequence}
    return facts


def _with_hop(result: Publishable, message: msgspec.Struct, hop: Hop) -> Publishable:
    """A result about the same frames carries their hops on."""
    if isinstance(result, FacesDetected) and isinstance(message, FramesCaptured):
        return msgspec.structs.replace(result, hops=(*message.hops, hop))
    return result
