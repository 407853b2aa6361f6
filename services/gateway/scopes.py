"""What each route asks for, declared at the route: a scope, any key, or nothing. No path decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends
from fastapi.routing import iter_route_contexts
from starlette.requests import HTTPConnection

from services.gateway.access import Caller, tell_owner
from services.gateway.full_traces import grant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI
    from fastapi.routing import RouteContext

    from services.gateway.access import Access
    from shared.model.keys import Scope

KEY_PROTOCOL = "visavis.key."
"""A WebSocket's subprotocol that carries a key: pages cannot set its headers."""
SCHEME = "key"
"""The name of the security scheme in the OpenAPI document."""


class Needs:
    """A route's demand for a key."""

    def __init__(self, scope: Scope | None) -> None:
        """scope: None for any key."""
        self.scope = scope

    async def __call__(self, connection: HTTPConnection) -> None:
        """Let pass who has such a key, before anything of the request is read."""
        caller = connection.state.caller = await self.admit(connection)
        tell_owner(connection.app.state.parts.telemetry, caller)
        connection.state.full_trace = grant(connection.headers, caller)

    async def later(self) -> Needs:
        """For a WebSocket, which can be told in words only when it is accepted; then `admit` must be called."""
        return self

    async def admit(self, connection: HTTPConnection) -> Caller:
        """Whose key came with a connection. Raises as Access.admit."""
        access: Access = connection.app.state.parts.access
        return await access.admit(authorization(connection), self.scope)


class Open:
    """A route's word that it needs no key."""

    async def __call__(self) -> None:
        """Let everybody pass."""


def needs(scope: Scope | None) -> Any:
    """For `dependencies=` of a router or a route: only with a key that has the scope; None: with any key."""
    return Depends(Needs(scope))


OPEN = Depends(Open())
"""For `dependencies=` of a route that everybody may ask."""


async def _caller(connection: HTTPConnection) -> Caller:
    """Who was let pass. Where nothing asked for a key nobody is known, which is a bug of the route."""
    caller: Caller = connection.state.caller
    return caller


FromCaller = Annotated[Caller, Depends(_caller)]


def declarations(app: FastAPI) -> Iterator[tuple[RouteContext, list[Needs | Open]]]:
    """Every route of an app and what it has declared of keys: exactly one where it is right."""
    for route in iter_route_contexts(app.routes):
        calls = (one.call for one in _all_of(getattr(route, "dependant", None)))
        demands = (getattr(call, "__self__", call) for call in calls)
        yield route, [one for one in demands if isinstance(one, Needs | Open)]


def _all_of(dependant: Any) -> Iterator[Any]:
    for one in getattr(dependant, "dependencies", ()):
        yield one
        yield from _all_of(one)


def authorization(connection: HTTPConnection) -> str:
    """What a connection says of its key, as the header `Authorization` would; empty: nothing."""
    said: str = connection.headers.get("authorization", "")
    if said or connection.scope["type"] != "websocket":
        return said
    keys = [one.removeprefix(KEY_PROTOCOL) for one in connection.scope["subprotocols"] if one.startswith(KEY_PROTOCOL)]
    return f"Bearer {keys[0]}" if keys else ""
