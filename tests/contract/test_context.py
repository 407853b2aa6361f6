"""What every context store does: one suite for the double, for NATS and for Redis."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest

from shared.model.errors import Unavailable
from shared.transport.context import MOST_BYTES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeVar

    from tests.conftest import AnswerTime
    from tests.contract.conftest import AnyContext

    T = TypeVar("T")

LONG_SECONDS = 600
PATIENCE_SECONDS = 20


async def gone(context: AnyContext, name: str) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await context.store.get(name) is not None:  # noqa: ASYNC110  -- the server's clock ends it
            await asyncio.sleep(0.1)


async def refused(context: AnyContext) -> None:
    """Whatever is asked is Unavailable."""
    for ask in (
        lambda: context.store.get("a"),
        lambda: context.store.put("c", b"y", 9),
        lambda: context.store.remove("c"),
    ):
        with pytest.raises(Unavailable):
            await ask()


async def in_the_end(ask: Callable[[], Awaitable[T]]) -> T:
    """The answer as soon as there is one."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                return await ask()
            except Unavailable:
                await asyncio.sleep(0.1)


async def test_what_was_put_last_is_found(context: AnyContext) -> None:
    body = os.urandom(6000)
    await context.store.put("a", b"first", LONG_SECONDS)
    await context.store.put("a", body, LONG_SECONDS)
    assert await context.store.get("a") == body


async def test_names_are_strangers_to_each_other(context: AnyContext) -> None:
    await context.store.put("job-a-1", b"x", LONG_SECONDS)
    assert await context.store.get("job-a-10") is None
    assert await context.store.get("job-a") is None


async def test_a_value_is_gone_after_its_time_and_others_stay(context: AnyContext) -> None:
    await context.store.put("short", b"x", 1)
    await context.store.put("long", b"x", LONG_SECONDS)
    await gone(context, "short")
    assert await context.store.get("long") == b"x"
    assert await context.store.remove("short") == 0


async def test_the_last_put_says_how_long(context: AnyContext) -> None:
    await context.store.put("a", b"x", LONG_SECONDS)
    await context.store.put("a", b"y", 0.1)
    await gone(context, "a")
    await context.store.put("a", b"z", LONG_SECONDS)
    assert await context.store.get("a") == b"z"


async def test_several_are_removed_at_once_whether_they_are_there_or_not(context: AnyContext) -> None:
    for name in ("a", "b", "c"):
        await context.store.put(name, b"x", LONG_SECONDS)
    assert await context.store.remove("a", "b", "unknown") == 2
    assert await context.store.remove("a", "b") == await context.store.remove() == 0
    assert [await context.store.get(name) for name in ("a", "b", "c", "unknown")] == [None, None, b"x", None]
    await context.store.put("a", b"again", LONG_SECONDS)
    assert await context.store.get("a") == b"again"


async def test_the_largest_value_is_kept_and_a_larger_one_is_not(context: AnyContext) -> None:
    body = os.urandom(MOST_BYTES)
    await context.store.put("a", body, LONG_SECONDS)
    with pytest.raises(Unavailable, match="is the most"):
        await context.store.put("a", body + b"x", LONG_SECONDS)
    assert await context.store.get("a") == body


@pytest.mark.parametrize("name", ["", "*", "a.b", "a>", "a b", "a\n", "x" * 129])
async def test_a_name_that_could_mean_others_is_refused(context: AnyContext, name: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        await context.store.get(name)
    with pytest.raises(ValueError, match="no name"):
        await context.store.put(name, b"x", LONG_SECONDS)
    with pytest.raises(ValueError, match="no name"):
        await context.store.remove("a", name)


async def test_many_at_a_time_each_get_their_own(context: AnyContext) -> None:
    async def there_and_back(number: int) -> bool:
        name, body = f"n{number}", os.urandom(500)
        await context.store.put(name, body, LONG_SECONDS)
        return await context.store.get(name) == body

    assert all(await asyncio.gather(*map(there_and_back, range(40))))


async def test_a_store_that_is_away_says_so_and_is_of_use_when_it_is_back(
    context: AnyContext, patient_context: AnswerTime
) -> None:
    await context.store.put("a", b"x", LONG_SECONDS)
    context.away()
    with patient_context.usual():
        await refused(context)
        context.back()
        await in_the_end(lambda: context.store.put("b", b"z", LONG_SECONDS))
    assert await context.store.get("b") == b"z"


async def test_a_store_that_stands_still_keeps_nobody_waiting(context: AnyContext, patient_context: AnswerTime) -> None:
    for name in ("a", "b"):
        await context.store.put(name, name.encode(), LONG_SECONDS)
    context.halt()
    with patient_context.usual():
        await refused(context)
        context.go_on()
        found = await in_the_end(lambda: context.store.get("b"))
    assert found == b"b"  # and no late answer to what was asked before
