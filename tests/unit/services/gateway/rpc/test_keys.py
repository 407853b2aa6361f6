"""The key of a gRPC call is looked at before its message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest

from services.gateway.rpc.server import RpcServer
from shared.model.keys import Quotas, Scope
from visavis.v1 import pictures_pb2, pictures_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.gateway.parts import Parts
    from shared.transport.keys import KeyRing

TOO_LARGE = b"\xff\xd8\xff" + bytes(3_000_000)


@pytest.fixture
async def pictures(asking: Parts) -> AsyncIterator[Any]:
    server = RpcServer(asking)
    address = await server.start()
    async with grpc.aio.insecure_channel(address) as channel:
        yield pictures_pb2_grpc.PicturesStub(channel)  # type: ignore[no-untyped-call]  # generated
    await server._server.stop(0)


async def refusal(pictures: Any, key: str, picture: bytes) -> tuple[grpc.StatusCode, dict[str, Any]]:
    metadata = (("authorization", f"Bearer {key}"),) if key else ()
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await pictures.Analyze(pictures_pb2.AnalyzeRequest(picture=picture), metadata=metadata, timeout=30)
    return failed.value.code(), dict(failed.value.trailing_metadata() or ())


async def test_without_a_key_not_even_the_size_of_a_message_is_looked_at(pictures: Any, ring: KeyRing) -> None:
    for scopes, code, word in (
        ((), grpc.StatusCode.UNAUTHENTICATED, "unauthenticated"),
        ((Scope.JOBS,), grpc.StatusCode.PERMISSION_DENIED, "forbidden"),
    ):
        key = await ring.add("another", scopes, Quotas()) if scopes else ""
        status, metadata = await refusal(pictures, key, TOO_LARGE)
        assert (status, metadata["visavis-code"]) == (code, word)
        assert len(metadata["visavis-trace-id"]) == 32


async def test_with_a_key_the_message_is_received(pictures: Any, ring: KeyRing) -> None:
    key = await ring.add("shop", [Scope.PICTURES], Quotas())
    assert (await refusal(pictures, key, TOO_LARGE))[0] is grpc.StatusCode.RESOURCE_EXHAUSTED
    status, metadata = await refusal(pictures, key, b"no picture")
    assert (status, metadata["visavis-code"]) == (grpc.StatusCode.INVALID_ARGUMENT, "unsupported-media")
