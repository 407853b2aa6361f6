"""The pasts of sessions: whatever is wrong with the store is a new beginning, and is told once a minute."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from pydantic import SecretStr

from shared.model.errors import Misconfigured
from shared.model.live import RESUME_SECONDS
from shared.model.looks import Look
from shared.model.past import VERSION, SessionPast
from shared.runtime import pasts as pasts_module
from shared.runtime.pasts import Pasts, kept_where
from shared.runtime.settings import ServiceSettings
from shared.testing import MemoryContext
from shared.transport import wire
from shared.transport.nats_access import NatsAccess
from shared.transport.nats_bus import NatsBus
from shared.transport.nats_server import NatsServer
from tests.redis_server import RedisServer

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("patient_context")
PAST = SessionPast(look=Look(smooth=0.5), state=msgspec.Raw(b"\xc0"))


class Told:
    """What is logged."""

    def __init__(self) -> None:
        self.details: list[str] = []

    def warning(self, _: str, *, detail: str) -> None:
        self.details.append(detail)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    made = Told()
    monkeypatch.setattr(pasts_module, "log", made)
    return made


class WatchedContext(MemoryContext):
    """Knows for how long it was asked to keep something."""

    seconds = 0.0

    async def put(self, name: str, body: bytes, seconds: float) -> None:
        self.seconds = seconds
        await super().put(name, body, seconds)


async def test_what_is_kept_is_found_for_as_long_as_a_stream_can_be_gone_on_with() -> None:
    context = WatchedContext()
    await Pasts(context).keep("a", PAST)
    assert context.seconds == RESUME_SECONDS
    assert await Pasts(context).find("a") == PAST
    assert await Pasts(context).find("b") is None
    await Pasts(context).keep("job-a-1", PAST, 600)
    assert context.seconds == 600


@pytest.mark.parametrize(
    "body",
    [
        b"\xc1",
        b"\xc0",
        b"",
        wire.encode(PAST)[:-1],
        wire.encode(msgspec.structs.replace(PAST, version=VERSION + 1)),
        wire.encode(msgspec.structs.replace(PAST, version=VERSION - 1)),
        msgspec.msgpack.encode([VERSION, {"no_such_effect": 1.0}, None]),
        msgspec.msgpack.encode([VERSION]),
    ],
)
async def test_what_cannot_be_read_is_no_past(told: Told, body: bytes) -> None:
    context = MemoryContext()
    await context.put("a", body, 60)
    assert await Pasts(context).find("a") is None


async def test_a_store_that_is_away_is_told_of_once_a_minute(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    context = MemoryContext()
    context.down, pasts = True, Pasts(context)
    for _ in range(20):
        await pasts.keep("a", PAST)
        assert await pasts.find("a") is None
    assert told.details == ["The context store is down."]
    monkeypatch.setattr(pasts_module, "TELL_SECONDS", 0.0)
    await pasts.keep("a", PAST)
    assert len(told.details) == 2


async def test_what_is_forgotten_is_counted_and_is_nothing_where_the_store_is_away(told: Told) -> None:
    context = MemoryContext()
    pasts = Pasts(context)
    for name in "ab":
        await pasts.keep(name, PAST)
    assert await pasts.forget("a", "b", "c") == 2
    context.down = True
    assert await pasts.forget("a") == 0
    assert told.details == ["The context store is down."]


async def test_a_url_says_where_they_are_kept(tmp_path: Path) -> None:
    with RedisServer(tmp_path / "redis") as server:
        settings = ServiceSettings(context=SecretStr(server.url))
        async with kept_where(settings, NatsBus(NatsAccess("nats://127.0.0.1:4222"))) as pasts:
            await pasts.keep("a", PAST)
            assert await pasts.find("a") == PAST
        assert server.tell("DBSIZE") == b":1\r\n"


async def test_without_one_it_is_nats(tmp_path: Path) -> None:
    server = NatsServer(tmp_path / "nats")
    server.start()
    try:
        bus = await NatsBus.connect(server.url, "test")
        async with kept_where(ServiceSettings(), bus) as pasts:
            await pasts.keep("a", PAST)
        assert await bus.last("$KV.context.a") == wire.encode(PAST)
        await bus.close()
    finally:
        server.stop()


async def test_a_wrong_url_ends_the_process() -> None:
    with pytest.raises(Misconfigured):
        async with kept_where(
            ServiceSettings(context=SecretStr("http://host")), NatsBus(NatsAccess("nats://127.0.0.1:4222"))
        ):
            pass


def test_settings_do_not_show_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_CONTEXT", "redis://:secret@host")
    settings = ServiceSettings()
    assert settings.context.get_secret_value() == "redis://:secret@host"
    assert "secret@" not in repr(settings)
