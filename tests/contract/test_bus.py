"""What every bus does: one suite for the double and for NATS."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import pytest

from shared.model.errors import Unavailable
from shared.transport.topology import EVENTS, FRAMES, Queue, detect_queue, ends_queue, render_queue, segment_queue

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.transport.bus import Answer, Bus, Delivery, Received

T = TypeVar("T")

PATIENCE_SECONDS = 30.0
PUSHED = Queue(
    FRAMES.name, "pushed", "lane.a.detect", ack_wait_seconds=0.5, max_deliver=3, max_ack_pending=4, prefetch=True
)
PULLED = replace(segment_queue(), name="pulled", ack_wait_seconds=0.5, max_deliver=3, max_ack_pending=4)
QUEUES = pytest.mark.parametrize("queue", [PUSHED, PULLED], ids=["pushed", "pulled"])


def subject_of(queue: Queue) -> str:
    """One that the queue takes: its own may stand for many."""
    return queue.subject.replace("*", "a")


async def first(messages: AsyncIterator[T]) -> T:
    return await asyncio.wait_for(anext(messages), PATIENCE_SECONDS)


def patient(queue: Queue) -> Queue:
    """Nothing is given to another because the machine stood still."""
    return replace(queue, ack_wait_seconds=PATIENCE_SECONDS)


async def take(messages: AsyncIterator[T], number: int) -> list[T]:
    return [await first(messages) for _ in range(number)]


async def nothing_comes(messages: AsyncIterator[Received], seconds: float = 0.25) -> bool:
    """Looks without leaving a broken iterator behind: call it last."""
    waiting = asyncio.ensure_future(anext(messages))
    done, _ = await asyncio.wait([waiting], timeout=seconds)
    waiting.cancel()
    return not done


@QUEUES
async def test_messages_come_in_order_with_their_headers(bus: Bus, queue: Queue) -> None:
    for number in range(3):
        await bus.publish(subject_of(queue), bytes([number]), {"a": str(number)})
    async with bus.consume(patient(queue)) as messages:
        came = await take(messages, 3)
    assert [(one.subject, one.body, one.headers["a"]) for one in came] == [
        (subject_of(queue), bytes([n]), str(n)) for n in range(3)
    ]


@QUEUES
async def test_what_is_done_never_comes_again(bus: Bus, queue: Queue) -> None:
    await bus.publish(subject_of(queue), b"x")
    async with bus.consume(queue) as messages:
        await (await first(messages)).done()
    async with bus.consume(queue) as messages:
        assert await nothing_comes(messages, 0.7)


@QUEUES
async def test_what_is_discarded_never_comes_again(bus: Bus, queue: Queue) -> None:
    await bus.publish(subject_of(queue), b"x")
    async with bus.consume(queue) as messages:
        await (await first(messages)).discard()
        assert await nothing_comes(messages, 0.7)


@QUEUES
async def test_a_retry_comes_back_after_its_delay_and_counts(bus: Bus, queue: Queue) -> None:
    await bus.publish(subject_of(queue), b"x")
    async with bus.consume(patient(queue)) as messages:
        delivery = await first(messages)
        assert delivery.tries == 1
        before = asyncio.get_running_loop().time()
        await delivery.retry(0.3)
        again = await first(messages)
        assert again.tries == 2
        assert asyncio.get_running_loop().time() - before >= 0.28
        await again.done()


@QUEUES
async def test_what_nobody_answers_for_is_given_to_another(bus: Bus, queue: Queue) -> None:
    await bus.publish(subject_of(queue), b"x")
    async with bus.consume(queue) as messages:
        await first(messages)
    async with bus.consume(queue) as messages:
        again = await first(messages)
        assert again.tries == 2
        await again.done()


@QUEUES
async def test_saying_that_it_is_worked_on_keeps_others_away(bus: Bus, queue: Queue) -> None:
    await bus.publish(subject_of(queue), b"x")
    async with bus.consume(queue) as messages, bus.consume(queue) as others:
        mine = asyncio.ensure_future(anext(messages))
        theirs = asyncio.ensure_future(anext(others))
        got, _ = await asyncio.wait([mine, theirs], return_when=asyncio.FIRST_COMPLETED)
        for _ in range(4):
            await asyncio.sleep(0.25)
            await got.copy().pop().result().working()
        assert not (mine.done() and theirs.done())
        await got.pop().result().done()
        mine.cancel()
        theirs.cancel()


@QUEUES
async def test_after_so_many_deliveries_it_is_left_alone(bus: Bus, queue: Queue) -> None:
    await bus.publish(subject_of(queue), b"x")
    async with bus.consume(patient(queue)) as messages:
        for tries in (1, 2, 3):
            delivery = await first(messages)
            assert delivery.tries == tries
            await delivery.retry(0)
        assert await nothing_comes(messages, 0.7)


@QUEUES
async def test_no_more_than_agreed_are_out_at_once(bus: Bus, queue: Queue) -> None:
    for number in range(6):
        await bus.publish(subject_of(queue), bytes([number]))
    async with bus.consume(patient(queue)) as messages:
        came = await take(messages, 4)
        waiting = asyncio.ensure_future(anext(messages))
        assert not (await asyncio.wait([waiting], timeout=0.25))[0]
        await came[0].done()
        assert (await asyncio.wait_for(waiting, PATIENCE_SECONDS)).body == b"\x04"


@QUEUES
async def test_how_much_waits_is_told_before_somebody_consumes_it_and_then(bus: Bus, queue: Queue) -> None:
    queue = replace(patient(queue), max_ack_pending=2)
    for number in range(5):
        await bus.publish(subject_of(queue), bytes([number]))
    assert await bus.depth(queue) == (5, 0)
    assert await bus.count(queue.subject) == 5
    async with bus.consume(queue) as messages:
        came = await take(messages, 2)
        assert await bus.depth(queue) == (3, 2)
        await came[0].done()
        await came[1].retry(PATIENCE_SECONDS)
        await first(messages)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await bus.depth(queue) != (2, 2):  # one is out, and one waits to be given again  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert await bus.count(queue.subject) == 4


@QUEUES
async def test_each_message_goes_to_one_of_the_consumers(bus: Bus, queue: Queue) -> None:
    roomy = replace(patient(queue), max_ack_pending=100)
    bodies: list[bytes] = []
    all_came = asyncio.Event()

    async def work(messages: AsyncIterator[Delivery]) -> None:
        async for delivery in messages:
            bodies.append(delivery.body)
            await delivery.done()
            if len(bodies) == 30:
                all_came.set()

    async with AsyncExitStack() as stack:
        for _ in range(3):
            messages = await stack.enter_async_context(bus.consume(roomy))
            task = asyncio.ensure_future(work(messages))
            stack.callback(task.cancel)
        for number in range(30):
            await bus.publish(subject_of(queue), bytes([number]))
        await asyncio.wait_for(all_came.wait(), PATIENCE_SECONDS)
    assert sorted(bodies) == [bytes([n]) for n in range(30)]


async def test_queues_of_one_stream_keep_their_subjects_apart(bus: Bus) -> None:
    await bus.publish("lane.a.render.2", b"render")
    await bus.publish("lane.b.detect", b"detect")
    async with bus.consume(detect_queue("b")) as detect, bus.consume(render_queue("a", "2")) as render:
        assert (await first(detect)).body == b"detect"
        assert (await first(render)).body == b"render"


async def test_a_subject_that_no_stream_keeps_cannot_be_published(bus: Bus) -> None:
    with pytest.raises(Unavailable):
        await bus.publish("nobody.keeps.this", b"x")


async def test_a_message_larger_than_the_bus_takes_is_refused(bus: Bus) -> None:
    with pytest.raises(Unavailable):
        await bus.publish("jobs.segment.a.0", bytes((1 << 20) + 1))


async def test_the_last_message_of_a_subject_can_be_asked_for(bus: Bus) -> None:
    assert await bus.last("jobs.event.one.job") is None
    for body in (b"old", b"new"):
        await bus.publish("jobs.event.one.job", body)
    await bus.publish("jobs.event.two.job", b"other")
    assert await bus.last("jobs.event.one.job") == b"new"


async def test_a_replay_gives_what_was_and_then_what_comes(bus: Bus) -> None:
    await bus.publish("jobs.event.one.job", b"1", {"a": "b"})
    await bus.publish("jobs.event.two.job", b"other")
    async with bus.replay("jobs.event.one.job") as messages, bus.replay("jobs.event.one.job") as seconds:
        assert (await first(messages)).body == b"1"
        await bus.publish("jobs.event.one.job", b"2")
        assert (await first(messages)).body == b"2"
        assert [one.body for one in await take(seconds, 2)] == [b"1", b"2"]
    assert await bus.last("jobs.event.one.job") == b"2"


async def test_a_subject_keeps_no_more_events_than_agreed(bus: Bus) -> None:
    for number in range(EVENTS.max_per_subject + 1):
        await bus.publish("jobs.event.one.job", b"%d" % number)
    async with bus.replay("jobs.event.one.job") as messages:
        assert (await first(messages)).body == b"1"


async def test_who_listens_hears_what_is_sent_from_then_on(bus: Bus) -> None:
    await bus.send("live.a.in", b"before")
    async with bus.listen("live.a.in") as one, bus.listen("live.a.in") as two:
        await bus.send("live.a.in", b"x", {"a": "b"})
        for messages in (one, two):
            message = await first(messages)
            assert (message.subject, message.body, message.headers["a"]) == ("live.a.in", b"x", "b")


async def test_a_star_stands_for_exactly_one_word(bus: Bus) -> None:
    async with bus.listen("live.*.in") as messages:
        for subject in ("live.in", "live.a.b.in", "live.a.out", "live.a.in"):
            await bus.send(subject, b"")
        assert (await first(messages)).subject == "live.a.in"


async def test_who_wants_no_more_is_given_what_he_has_asked_for_and_the_rest_to_others(bus: Bus) -> None:
    enough = asyncio.Event()
    async with bus.consume(patient(PULLED), enough) as messages:
        await bus.publish(subject_of(PULLED), b"one")
        delivery = await first(messages)
        enough.set()
        assert await asyncio.wait_for(anext(messages, None), PATIENCE_SECONDS) is None
        await bus.publish(subject_of(PULLED), b"two")
        await delivery.done()
        async with bus.consume(patient(PULLED)) as others:
            two = await first(others)
            assert (two.body, two.tries) == (b"two", 1)
            await two.done()


async def test_a_request_is_answered_by_one_of_a_group(bus: Bus) -> None:
    async def answer(received: Received) -> bytes:
        return received.subject.encode() + b" " + received.body + received.headers["a"].encode()

    async with bus.answer("sessions.open", "g", answer), bus.answer("sessions.open", "g", answer):
        assert await bus.request("sessions.open", b"x", {"a": "b"}) == b"sessions.open xb"


async def test_a_group_shares_the_requests(bus: Bus) -> None:
    counts = {"one": 0, "two": 0}

    def counting(name: str) -> Answer:
        async def answer(_: Received) -> bytes:
            counts[name] += 1
            return b""

        return answer

    async with bus.answer("sessions.open", "g", counting("one")), bus.answer("sessions.open", "g", counting("two")):
        for _ in range(40):
            await bus.request("sessions.open", b"")
    assert counts["one"] + counts["two"] == 40
    assert min(counts.values()) > 0


async def test_a_request_that_nobody_answers_is_unavailable_in_the_words_of_a_client(bus: Bus) -> None:
    with pytest.raises(Unavailable, match=r"^No render of the lane host1 answers: nobody is there\.$"):
        await bus.request("lane.host1.begin", b"")


async def test_who_has_left_answers_no_more(bus: Bus) -> None:
    async def answer(_: Received) -> bytes:
        return b""

    async with bus.answer("sessions.open", "g", answer):
        await bus.request("sessions.open", b"")
    with pytest.raises(Unavailable):
        await bus.request("sessions.open", b"")


async def test_who_leaves_answers_first_who_has_asked(bus: Bus) -> None:
    asked = asyncio.Event()

    async def answer(_: Received) -> bytes:
        asked.set()
        await asyncio.sleep(0.1)
        return b"yes"

    async with bus.answer("sessions.open", "g", answer):
        waiting = asyncio.ensure_future(bus.request("sessions.open", b"", timeout_seconds=PATIENCE_SECONDS))
        await asked.wait()
    assert await waiting == b"yes"


async def test_an_answer_that_comes_too_late_is_unavailable(bus: Bus) -> None:
    async def answer(_: Received) -> bytes:
        await asyncio.sleep(1)
        return b""

    async with bus.answer("sessions.open", "g", answer):
        with pytest.raises(Unavailable):
            await bus.request("sessions.open", b"", timeout_seconds=0.1)


async def test_an_answer_that_fails_leaves_the_asker_without_one_and_serves_the_next(bus: Bus) -> None:
    async def answer(received: Received) -> bytes:
        return {b"good": b"yes"}[received.body]

    async with bus.answer("sessions.open", "g", answer):
        with pytest.raises(Unavailable):
            await bus.request("sessions.open", b"bad", timeout_seconds=0.2)
        assert await bus.request("sessions.open", b"good") == b"yes"


async def test_a_slow_answer_does_not_hold_up_the_next(bus: Bus) -> None:
    asked, slow = asyncio.Event(), asyncio.Event()

    async def answer(received: Received) -> bytes:
        if received.body == b"slow":
            asked.set()
            await slow.wait()
        return received.body

    async with bus.answer("sessions.open", "g", answer):
        waiting = asyncio.ensure_future(bus.request("sessions.open", b"slow"))
        await asked.wait()
        assert await bus.request("sessions.open", b"quick", timeout_seconds=PATIENCE_SECONDS) == b"quick"
        slow.set()
        assert await waiting == b"slow"


async def browsed(bus: Bus, subject: str, number: int = 1) -> list[bytes]:
    return [one.body async for one in bus.browse(subject, number)]


async def test_what_is_kept_can_be_looked_through_without_taking_it_away(bus: Bus) -> None:
    began = time.time()
    for job in ("one", "two", "one"):
        await bus.publish(f"dead.jobs.segment.{job}", job.encode(), {"visavis-reason": "It: was tried."})
    await bus.publish("dead.lane.a.detect", b"frames")
    everything = [one async for one in bus.browse("dead.>")]
    assert [one.body for one in everything] == [b"one", b"two", b"one", b"frames"]
    first = everything[0]
    assert (first.subject, first.headers["visavis-reason"]) == ("dead.jobs.segment.one", "It: was tried.")
    assert began - 5 < first.kept_unix_seconds < time.time() + 5
    assert await browsed(bus, "dead.jobs.>", everything[1].number) == [b"two", b"one"]
    assert await browsed(bus, "dead.jobs.segment.one") == [b"one", b"one"]


async def test_nothing_kept_is_nothing_to_look_through(bus: Bus) -> None:
    assert (await browsed(bus, "dead.>"), await bus.newest("dead.>")) == ([], None)


async def test_the_newest_of_several_subjects_is_the_last_that_came(bus: Bus) -> None:
    for lane in "ab":
        await bus.publish(f"dead.lane.{lane}.detect", lane.encode())
    newest = await bus.newest("dead.lane.*.detect")
    assert newest is not None
    assert (newest.subject, newest.body) == ("dead.lane.b.detect", b"b")


async def test_one_message_is_removed_by_its_number_once(bus: Bus) -> None:
    for body in (b"1", b"2", b"3"):
        await bus.publish("dead.x", body)
    second = [one async for one in bus.browse("dead.x")][1]
    assert [await bus.remove("dead.x", second.number) for _ in range(2)] == [True, False]
    assert not await bus.remove("dead.x", 10_000)
    assert await browsed(bus, "dead.x") == [b"1", b"3"]


async def test_a_number_is_never_given_again(bus: Bus) -> None:
    numbers = []
    for _ in range(2):
        await bus.publish("dead.x", b"x")
        newest = await bus.newest("dead.x")
        assert newest is not None
        numbers.append(newest.number)
        await bus.remove("dead.x", newest.number)
    assert numbers[0] < numbers[1]


async def test_purging_takes_what_fits_and_says_how_much(bus: Bus) -> None:
    for job in ("one", "two", "one"):
        await bus.publish(f"jobs.event.{job}.job", job.encode())
    assert await bus.purge("jobs.event.one.*") == 2
    assert await bus.purge("jobs.event.one.*") == 0
    assert (await bus.newest("jobs.event.one.*"), await bus.last("jobs.event.two.job")) == (None, b"two")


@QUEUES
async def test_what_is_purged_is_not_delivered(bus: Bus, queue: Queue) -> None:
    for body in (b"1", b"2"):
        await bus.publish(subject_of(queue), body)
    async with bus.consume(queue) as messages:
        taken = await first(messages)
        assert await bus.purge(queue.subject) == 2
        await taken.done()  # does no harm
        await bus.publish(subject_of(queue), b"3")
        if queue.prefetch:  # one was under way already
            assert (await first(messages)).body in {b"2", b"3"}
        else:
            assert (await first(messages)).body == b"3"


async def test_what_waits_is_known_by_its_subjects_until_it_is_done(bus: Bus) -> None:
    assert await bus.waiting("jobs.segment.*.*") == set()
    for subject in ("jobs.segment.a.0", "jobs.segment.a.1", "jobs.segment.b.0", "jobs.plan.a"):
        await bus.publish(subject, b"x")
    assert await bus.waiting("jobs.segment.a.*") == {"jobs.segment.a.0", "jobs.segment.a.1"}
    async with bus.consume(PULLED) as messages:
        await (await anext(messages)).done()
        second = await anext(messages)
        assert second.subject == "jobs.segment.a.1"
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await bus.waiting("jobs.segment.*.*") != {"jobs.segment.a.1", "jobs.segment.b.0"}:  # noqa: ASYNC110  -- on a server
                await asyncio.sleep(0.01)
        await second.done()


HEARD = replace(ends_queue(), ack_wait_seconds=0.5, max_deliver=3)


async def test_a_queue_of_a_stream_that_is_none_leaves_its_messages_to_those_who_watch(bus: Bus) -> None:
    await bus.publish("jobs.event.x.job", b"1")
    async with bus.consume(HEARD) as messages:
        await (await first(messages)).done()
        assert await bus.last("jobs.event.x.job") == b"1"
        assert await nothing_comes(messages, 0.8)
    async with bus.replay("jobs.event.x.job") as watched:
        assert (await first(watched)).body == b"1"


async def test_each_such_queue_hears_everything_once(bus: Bus) -> None:
    await bus.publish("jobs.event.x.job", b"1")
    for queue in (HEARD, replace(HEARD, name="others")):
        async with bus.consume(queue) as messages:
            await (await first(messages)).done()
    await bus.publish("jobs.event.y.job", b"2")
    async with bus.consume(HEARD) as messages:
        second = await first(messages)
        assert (second.body, second.tries) == (b"2", 1)
        await second.retry(0)
        again = await first(messages)
        assert (again.body, again.tries) == (b"2", 2)
        await again.done()
        assert await nothing_comes(messages, 0.8)
