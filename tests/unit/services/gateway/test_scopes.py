"""Every way in has declared what key it needs, and asks for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import grpc
import httpx
import pytest
from google.protobuf import descriptor_pool  # type: ignore[import-untyped]  # ships no stubs

from services.gateway.rest import app
from services.gateway.rpc import pictures, streams
from services.gateway.rpc import server as rpc_server
from services.gateway.rpc.server import RpcServer
from services.gateway.scopes import Needs, Open, declarations
from shared.model.keys import Quotas, Scope

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.gateway.parts import Parts
    from shared.transport.keys import KeyRing

OPEN = {
    "/healthz",
    "/livez",
    "/readyz",
    "/openapi.json",  # the contract, which the framework gives
    "/traces/sign-in",
    "/traces/sign-out",
    "/traces/assets/{name}",  # style and script of the pages
    "/v1/streams/{stream}/hls/{name}",  # players send no key: the stream's id is what must be known
}
"""All that is given to whoever asks."""
SERVICERS: dict[str, type] = {pictures.SERVICE: pictures.Pictures, streams.SERVICE: streams.FaceStream}


@pytest.fixture
async def outside(asking: Parts) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app.build(asking), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as found:
        yield found


@pytest.fixture
async def channel(asking: Parts) -> AsyncIterator[grpc.aio.Channel]:
    server = RpcServer(asking)
    address = await server.start()
    async with grpc.aio.insecure_channel(address) as found:
        yield found
    await server._server.stop(0)


def routes(parts: Parts) -> list[tuple[str, set[str], list[Needs | Open]]]:
    found = declarations(app.build(parts))
    return [(str(route.path), route.methods or set(), demands) for route, demands in found]


def methods() -> list[tuple[str, str]]:
    """Service and method of every call that there is in gRPC, but for the health service."""
    pool = descriptor_pool.Default()
    services = [name for name in rpc_server.SERVICES if name]
    return [(name, method) for name in services for method in pool.FindServiceByName(name).methods_by_name]


def test_every_route_has_declared_one_thing(parts: Parts) -> None:
    found = routes(parts)
    assert len(found) > 25
    for path, verbs, demands in found:
        assert len(demands) == 1 or path == "/openapi.json", (path, verbs)


def test_what_is_open_is_known(parts: Parts) -> None:
    assert {path for path, _, demands in routes(parts) if not any(isinstance(one, Needs) for one in demands)} == OPEN


@pytest.mark.parametrize("name", ["job", "stream"])
def test_an_id_in_an_address_is_checked_for_its_owner(parts: Parts, name: str) -> None:
    checked = f"_own_{name}"
    for route, _ in declarations(app.build(parts)):
        if f"{{{name}}}" in str(route.path) and route.path not in OPEN:
            assert checked in {
                one.call.__name__ for one in route.dependant.dependencies if hasattr(one.call, "__name__")
            }


async def test_every_route_that_needs_a_key_says_so_before_anything_else(
    outside: httpx.AsyncClient, asking: Parts
) -> None:
    for path, verbs, demands in routes(asking):
        if not verbs or not isinstance(demands[0] if demands else None, Needs):
            continue
        for verb in verbs:
            answer = await outside.request(verb, re.sub(r"{\w+}", "a" * 20, path))
            assert answer.status_code == 401, (verb, path)
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert verb == "HEAD" or answer.json()["code"] == "unauthenticated"


async def test_a_key_for_something_else_is_forbidden(outside: httpx.AsyncClient, asking: Parts, ring: KeyRing) -> None:
    for path, verbs, demands in routes(asking):
        scope = demands[0].scope if demands and isinstance(demands[0], Needs) else None
        if not verbs or scope is None:
            continue
        key = await ring.add("another", set(Scope) - {scope}, Quotas())
        for verb in verbs:
            url = re.sub(r"{\w+}", "a" * 20, path)
            answer = await outside.request(verb, url, headers={"Authorization": f"Bearer {key}"})
            assert (answer.status_code, verb == "HEAD" or answer.json()["code"]) == (403, verb == "HEAD" or "forbidden")


async def test_what_is_open_is_given_without_a_key(outside: httpx.AsyncClient, asking: Parts) -> None:
    for path, verbs, _ in routes(asking):
        for verb in verbs if path in OPEN else ():
            address, ours = path.format(stream="a" * 20, name="index.m3u8"), {"Sec-Fetch-Site": "same-origin"}
            answer = await outside.request(verb, address, headers=ours)
            shows_a_key = (verb, path) == ("POST", "/traces/sign-in")  # and this one was none
            assert answer.status_code in ({401} if shows_a_key else {200, 204, 303, 404, 503})


def test_every_method_of_grpc_has_declared_a_scope() -> None:
    found = methods()
    assert len(found) >= 3
    for service, method in found:
        assert isinstance(getattr(SERVICERS[service], method).scope, Scope), method


@pytest.mark.parametrize(("service", "method"), methods())
async def test_every_method_of_grpc_asks_for_a_key(
    channel: grpc.aio.Channel, ring: KeyRing, service: str, method: str
) -> None:
    call: Any = channel.stream_stream(f"/{service}/{method}")
    scope = getattr(SERVICERS[service], method).scope
    other = await ring.add("another", set(Scope) - {scope}, Quotas())
    for metadata, code in (
        ((), grpc.StatusCode.UNAUTHENTICATED),
        ((("authorization", "Bearer nonsense"),), grpc.StatusCode.UNAUTHENTICATED),
        ((("authorization", f"Bearer {other}"),), grpc.StatusCode.PERMISSION_DENIED),
    ):
        asked = call(iter([b""]), metadata=metadata, timeout=30)
        assert await asked.code() is code
        assert other not in str(await asked.details())


async def test_the_contract_says_which_scope_a_key_must_have(asking: Parts) -> None:
    document = app.build(asking).openapi()
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    jobs, models = document["paths"]["/v1/jobs"]["post"], document["paths"]["/v1/models"]["get"]
    assert (jobs["security"], models["security"]) == ([{"key": ["jobs"]}], [{"key": []}])
    assert {"401", "403"} <= set(jobs["responses"])
    assert "403" not in models["responses"]
    assert "security" not in document["paths"]["/healthz"]["get"]
