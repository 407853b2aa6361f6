"""Looks at the key of a gRPC call before its message is received, which may have many megabytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc

from services.gateway.problems import Refusal
from shared.model.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from services.gateway.access import Access


class KeyFirst(grpc.aio.ServerInterceptor):
    """Lets the methods that have declared a scope (`calls.needs`) refuse a call unread.

    A method with one message is called when that has come. Who would be refused is given to the same method as if there
    were many, so that it is called at once; it refuses by itself.
    """

    def __init__(self, access: Access) -> None:
        self._access = access

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], handler_call_details: grpc.HandlerCallDetails
    ) -> Any:
        """The handler of a call."""
        handler = await continuation(handler_call_details)
        method = getattr(handler, "unary_unary", None)
        scope = getattr(method, "scope", None)
        if method is None or scope is None:
            return handler
        sent = dict(handler_call_details.invocation_metadata or ())
        try:
            await self._access.admit(str(sent.get("authorization", "")), scope)
        except (Refusal, Unavailable):
            return grpc.stream_stream_rpc_method_handler(method)  # type: ignore[no-untyped-call]  # has no annotations
        return handler
