"""Who is let in."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from services.gateway.access import (
    ANYBODY,
    Access,
    Caller,
    is_loopback,
    keys_are_asked_for,
    tell_owner,
    tell_whether_asked,
)
from services.gateway.problems import Refusal
from services.gateway.settings import GatewaySettings
from services.gateway.traces.shelf import TraceShelf
from shared.model.errors import Unavailable
from shared.model.keys import Quotas, Scope, key_record_key, new_key, split_key
from shared.runtime.telemetry import trace_id_of

if TYPE_CHECKING:
    from shared.model.errors import VisavisError
    from shared.runtime.telemetry import Telemetry
    from shared.transport.keys import KeyRing
    from shared.transport.store import ObjectStore

LONG = 60.0


def access_of(ring: KeyRing, cache_seconds: float = LONG) -> Access:
    return Access(ring, asked=True, cache_seconds=cache_seconds)


async def key_of(ring: KeyRing, *scopes: Scope, **quotas: int) -> str:
    return await ring.add("shop", scopes or (Scope.JOBS,), Quotas(**quotas))


async def refusal(access: Access, authorization: str, scope: Scope | None = Scope.JOBS) -> Refusal:
    with pytest.raises(Refusal) as refused:
        await access.admit(authorization, scope)
    return refused.value


async def test_where_no_keys_are_asked_for_anybody_comes(ring: KeyRing) -> None:
    access = Access(ring, asked=False, cache_seconds=LONG)
    for said in ("", "Bearer nonsense", f"Bearer {await key_of(ring)}"):
        assert await access.admit(said, Scope.JOBS) is ANYBODY
    assert ANYBODY.sees("somebody")
    assert ANYBODY.sees_trace({"somebody"})


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_a_key_is_known_by_its_prefix(ring: KeyRing, scheme: str) -> None:
    key = await key_of(ring)
    caller = await access_of(ring).admit(f"{scheme} {key}", Scope.JOBS)
    parts = split_key(key)
    assert parts is not None
    assert (caller.owner, caller.scopes) == (parts[0], {Scope.JOBS})


async def test_what_is_no_key_of_ours_is_told_so(ring: KeyRing) -> None:
    key, access = await key_of(ring), access_of(ring)
    prefix, _ = split_key(key) or ("", "")
    for said in ("", "Basic dTpw", f"Basic {key}", key):
        refused = await refusal(access, said)
        assert (refused.code, refused.headers["WWW-Authenticate"]) == ("unauthenticated", 'Bearer realm="visavis"')
    for wrong in ("Bearer", "Bearer x", f"Bearer vv_{prefix}_{new_key()[1]}", f"Bearer vv_{new_key()[0]}_{key[-43:]}"):
        refused = await refusal(access, wrong)
        assert refused.code == "unauthenticated"
        assert key not in str(refused)


async def test_a_scope_that_lacks_is_named(ring: KeyRing) -> None:
    access, said = access_of(ring), f"Bearer {await key_of(ring, Scope.PICTURES)}"
    refused = await refusal(access, said, Scope.JOBS)
    assert refused.code == "forbidden"
    assert 'scope="jobs"' in refused.headers["WWW-Authenticate"]
    assert (await access.admit(said, None)).scopes == {Scope.PICTURES}


async def test_a_revoked_key_is_refused_when_what_is_known_is_old(ring: KeyRing) -> None:
    key, access = await key_of(ring), access_of(ring, cache_seconds=0)
    await access.admit(f"Bearer {key}", Scope.JOBS)
    await ring.revoke((split_key(key) or ("",))[0])
    assert (await refusal(access, f"Bearer {key}")).code == "unauthenticated"


async def test_what_is_known_of_a_key_is_not_asked_for_at_each_request(ring: KeyRing, store: ObjectStore) -> None:
    key, access = await key_of(ring), access_of(ring)
    first = await access.admit(f"Bearer {key}", Scope.JOBS)
    await store.remove("keys")
    assert (await access.admit(f"Bearer {key}", Scope.JOBS)).quota is first.quota


async def test_a_key_that_has_expired_is_refused_although_it_is_known(
    ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    expires = time.time() + 3600
    access, said = access_of(ring), f"Bearer {await ring.add('short', [Scope.JOBS], Quotas(), expires)}"
    await access.admit(said, Scope.JOBS)
    later = SimpleNamespace(time=lambda: expires, monotonic=time.monotonic)
    monkeypatch.setattr("services.gateway.access.time", later)
    assert (await refusal(access, said)).code == "unauthenticated"


async def test_a_store_that_is_away_lets_nobody_in(ring: KeyRing, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(_: str) -> None:
        raise Unavailable("The object store does not answer.")

    key = await key_of(ring)
    monkeypatch.setattr(ring, "read", away)
    with pytest.raises(Unavailable):
        await access_of(ring).admit(f"Bearer {key}", Scope.JOBS)


async def test_a_record_that_somebody_broke_is_no_key(ring: KeyRing, store: ObjectStore) -> None:
    key = await key_of(ring)
    await store.put(key_record_key((split_key(key) or ("",))[0]), b"{}")
    assert (await refusal(access_of(ring), f"Bearer {key}")).code == "unauthenticated"


async def test_a_caller_sees_its_own_and_no_others(ring: KeyRing) -> None:
    access = access_of(ring)
    caller = await access.admit(f"Bearer {await key_of(ring)}", Scope.JOBS)
    operator = await access.admit(f"Bearer {await key_of(ring, Scope.OPERATIONS)}", None)
    assert caller.sees(caller.owner)
    assert not [owner for owner in ("", operator.owner) if caller.sees(owner)]
    assert not operator.sees(caller.owner)
    assert caller.sees_trace(caller.owner)
    assert not [owner for owner in ("", operator.owner) if caller.sees_trace(owner)]
    assert operator.sees_trace(caller.owner)


async def test_whose_a_trace_is_is_written_before_its_request_is_over(telemetry: Telemetry, spans: list[bytes]) -> None:
    shelf = TraceShelf(10, 100)
    with telemetry.span("POST /v1/streams", {}, "server") as running:
        tell_owner(telemetry, Caller("ann"))
        tell_owner(telemetry, Caller())  # nobody was asked
        telemetry._provider.force_flush(2000)
        for body in spans:
            shelf.take(body)
        trace = shelf.trace(trace_id_of(running))
        assert (trace.count, trace.owner) == (1, "ann")


def test_where_there_is_no_trace_no_owner_begins_one(telemetry: Telemetry, spans: list[bytes]) -> None:
    tell_owner(telemetry, Caller("ann"))
    telemetry.close()
    assert spans == []


async def test_a_session_is_stopped_when_its_key_is_revoked(ring: KeyRing) -> None:
    key, access = await key_of(ring), access_of(ring, cache_seconds=0.02)
    caller = await access.admit(f"Bearer {key}", Scope.JOBS)
    stopped: asyncio.Future[VisavisError] = asyncio.get_running_loop().create_future()
    async with caller.session(stopped.set_result):
        await asyncio.sleep(0.1)
        assert not stopped.done()
        await ring.revoke(caller.owner)
        async with asyncio.timeout(10):
            assert isinstance(await stopped, Refusal)


@pytest.mark.parametrize(
    ("rest", "grpc", "keys", "asked"),
    [
        ("127.0.0.1", "127.0.0.1", "auto", True),
        ("127.8.0.1", "::1", "auto", True),
        ("localhost", "[::1]", "auto", True),
        ("127.0.0.1", "0.0.0.0", "auto", False),  # noqa: S104  -- what it is about
        ("::", "127.0.0.1", "auto", False),
        ("gateway.example.org", "127.0.0.1", "auto", False),
        ("10.0.0.7", "10.0.0.7", "never", True),
        ("127.0.0.1", "127.0.0.1", "always", False),
    ],
)
def test_keys_are_not_asked_for_where_nobody_else_can_come(rest: str, grpc: str, keys: str, asked: bool) -> None:
    settings = GatewaySettings(rest_host=rest, grpc_host=grpc, keys=keys)
    assert keys_are_asked_for(settings) is not asked
    assert tell_whether_asked(settings) == ("open" if asked else "asked")


def test_a_name_is_no_loopback_unless_everybody_knows_it() -> None:
    assert [name for name in ("localhost", "127.0.0.1", "local", "127.0.0.1.example.org", "") if is_loopback(name)] == [
        "localhost",
        "127.0.0.1",
    ]
