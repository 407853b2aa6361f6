"""The gRPC server: health (grpc.health.v1) and the services of `visavis.v1`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import OVERALL_HEALTH, aio  # type: ignore[attr-defined]  # in no __all__ of the package

from services.gateway.rpc import SERVICE, Pictures
from shared.model.errors import Misconfigured
from visavis.v1 import pictures_pb2_grpc

if TYPE_CHECKING:
    from services.gateway.parts import Parts
    from shared.runtime.presence import Presence

ENVELOPE_BYTES = 64 * 1024
"""What a request has beside its picture, at most."""
WATCHERS = 64
"""Calls beside pictures: of the health service."""
WATCH_SECONDS = 0.25


class RpcServer:
    """The server on its port."""

    def __init__(self, parts: Parts) -> None:
        settings = parts.settings
        self._stop_seconds = settings.stop_seconds
        self._presence = parts.presence
        self._health = aio.HealthServicer()
        self._server = grpc.aio.server(
            maximum_concurrent_rpcs=settings.max_stills + WATCHERS,
            options=(
                ("grpc.max_receive_message_length", settings.max_image_bytes + ENVELOPE_BYTES),
                ("grpc.max_send_message_length", settings.max_reply_bytes),
                ("grpc.so_reuseport", 0),
            ),
        )
        pictures_pb2_grpc.add_PicturesServicer_to_server(Pictures(parts), self._server)  # type: ignore[no-untyped-call]  # generated
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)  # type: ignore[no-untyped-call]  # generated
        self._address = f"{settings.grpc_host}:{settings.grpc_port}"
        self._host = settings.grpc_host

    async def start(self) -> str:
        """Listen; answers the address. Raises Misconfigured if the port cannot be had."""
        try:
            port = self._server.add_insecure_port(self._address)
        except RuntimeError as error:
            raise Misconfigured(f"gRPC cannot listen on {self._address}: choose another port (grpc_port).") from error
        await _say(self._health, serving=False)
        await self._server.start()
        return f"{self._host}:{port}"

    async def run(self) -> None:
        """Serve, and keep the health service true, until cancelled; then let calls end."""
        try:
            await keep_health(self._health, self._presence)
        finally:
            await self._health.enter_graceful_shutdown()
            await self._server.stop(self._stop_seconds)


async def keep_health(servicer: aio.HealthServicer, presence: Presence) -> None:
    """SERVING while a lane is warm, until cancelled."""
    said = False
    while True:
        warm = bool(presence.warm_lanes())
        if warm != said:
            await _say(servicer, serving=warm)
            said = warm
        await asyncio.sleep(WATCH_SECONDS)


async def _say(servicer: aio.HealthServicer, *, serving: bool) -> None:
    status = health_pb2.HealthCheckResponse.SERVING if serving else health_pb2.HealthCheckResponse.NOT_SERVING
    for service in (OVERALL_HEALTH, SERVICE):
        await servicer.set(service, status)
