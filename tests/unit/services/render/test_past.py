"""The past of a live session: what is kept, when, and what is taken up."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import Any

import msgspec
import pytest

from services.render import past as past_module
from services.render.choosing import Choice
from services.render.past import PastKeeper, taken_up
from services.render.session import RenderSession, SessionState
from shared.model.looks import Look
from shared.model.past import VERSION, SessionPast
from shared.runtime.pasts import Pasts
from shared.testing import MemoryContext
from shared.transport import wire
from tests.unit.services.render.live import Blank

LOOK = Look(smooth=0.5)
SHAPES = {1: "445a83da40289ba8"}
"""Of SessionState, by the version of pasts."""


class SlowContext(MemoryContext):
    """Takes what is put when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.let = asyncio.Event()
        self.asked = 0

    async def put(self, name: str, body: bytes, seconds: float) -> None:
        self.asked += 1
        await self.let.wait()
        await super().put(name, body, seconds)


def session(frames_done: int = 0, look: Look = LOOK) -> RenderSession:
    return RenderSession(look, Blank(), state=SessionState(frames_done=frames_done, choice=Choice(largest=4)))


async def found(context: MemoryContext) -> tuple[Look, SessionState]:
    past = await Pasts(context).find("c")
    assert past is not None
    return past.look, msgspec.msgpack.decode(past.state, type=SessionState)


async def test_what_is_kept_can_be_gone_on_from(monkeypatch: pytest.MonkeyPatch) -> None:
    context = MemoryContext()
    keeper = PastKeeper(Pasts(context), "c")
    keeper.keep(session(9))
    await keeper.close()
    assert await found(context) == (LOOK, SessionState(frames_done=9, choice=Choice(largest=4)))
    assert await taken_up(Pasts(context), "c") == SessionState(choice=Choice(largest=4), is_taken_up=True)
    assert await taken_up(Pasts(context), "other") is None


async def test_it_is_kept_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past_module, "KEEP_SECONDS", 1000.0)
    context = MemoryContext()
    keeper = PastKeeper(Pasts(context), "c")
    keeper.keep(session(1))
    keeper.keep(session(2))
    await keeper.close()
    assert (await found(context))[1].frames_done == 1
    monkeypatch.setattr(past_module, "KEEP_SECONDS", 0.0)
    keeper.keep(session(3))
    await keeper.close()
    assert (await found(context))[1].frames_done == 3


async def test_a_new_look_and_the_last_of_a_session_are_kept_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past_module, "KEEP_SECONDS", 1000.0)
    context = MemoryContext()
    keeper = PastKeeper(Pasts(context), "c")
    keeper.keep(session(1))
    keeper.keep(session(2, Look(whiten=1)))
    await keeper.close()
    assert (await found(context))[0] == Look(whiten=1)
    keeper.keep(session(3, Look(whiten=1)), now=True)
    await keeper.close()
    assert (await found(context))[1].frames_done == 3


async def test_while_the_store_is_slow_one_waits_and_the_newest_goes_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past_module, "KEEP_SECONDS", 0.0)
    context = SlowContext()
    keeper = PastKeeper(Pasts(context), "c")
    for number in range(50):
        keeper.keep(session(number))
        await asyncio.sleep(0)
    assert context.asked == 1
    context.let.set()
    await keeper.close()
    assert (context.asked, (await found(context))[1].frames_done) == (2, 49)


async def test_a_store_that_takes_nothing_does_not_keep_a_session_from_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past_module, "CLOSE_SECONDS", 0.01)
    before = asyncio.all_tasks()
    keeper = PastKeeper(Pasts(SlowContext()), "c")
    keeper.keep(session())
    await keeper.close()
    assert asyncio.all_tasks() == before


async def test_a_state_that_cannot_be_read_is_a_new_beginning() -> None:
    context = MemoryContext()
    past = SessionPast(look=LOOK, state=msgspec.Raw(wire.encode(SessionPast(look=LOOK, state=msgspec.Raw(b"\xc0")))))
    await context.put("c", wire.encode(past), 60)
    assert await taken_up(Pasts(context), "c") is None


def test_a_state_of_another_shape_has_another_version() -> None:
    """Raise shared.model.past.VERSION and add the new shape here: workers of before must not read the new states."""
    schema = bare(msgspec.json.schema(SessionState))
    shape = hashlib.sha256(json.dumps(schema, sort_keys=True).encode()).hexdigest()[:16]
    assert SHAPES[VERSION] == shape


def bare(schema: Any) -> Any:
    """Without the sentences."""
    if isinstance(schema, dict):
        return {key: bare(value) for key, value in schema.items() if key != "description"}
    return [bare(one) for one in schema] if isinstance(schema, list) else schema
