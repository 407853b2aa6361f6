"""The gRPC server: health (grpc.health.v1) and the services of `visavis.v1`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import OVERALL_HEALTH, aio  # type: ignore[attr-defined]  # in no __all__ of the package

from services.gateway.rpc import pictures, streams
from services.gateway.rpc.keys import KeyFirst
from shared.model.errors import Misconfigured
from shared.runtime.listening import another_port
from visavis.v1 import pictures_pb2_grpc, streams_pb2_grpc

if TYPE_CHECKING:
    from services.gateway.parts import Parts
    from services.gateway.settings import GatewaySettings
    from shared.runtime.presence import Presence

ENVELOPE_BYTES = 64 * 1024
"""What a request has beside its picture, at most."""
WATCHERS = 64
"""Calls beside pictures and streams: of the health service, and those that are refused with a sentence."""
PING_MS = 20_000
PONG_MS = 10_000
"""A client that does not answer a ping for so long is gone."""
CLIENT_PING_MS = 5_000
"""Clients may ping so often."""
SERVICES = (OVERALL_HEALTH, pictures.SERVICE, streams.SERVICE)
WATCH_SECONDS = 0.25


class RpcServer:
    """The server on its port."""

    def __init__(self, parts: Parts) -> None:
        settings = parts.settings
        self._stop_seconds = settings.stop_seconds
        self._presence = parts.presence
        self._live = parts.live
        self._health = aio.HealthServicer()
        self._server = grpc.aio.server(
            maximum_concurrent_rpcs=settings.max_stills + settings.max_live + WATCHERS,
            options=_options(settings),
            interceptors=(KeyFirst(parts.access),),
        )
        pictures_pb2_grpc.add_PicturesServicer_to_server(pictures.Pictures(parts), self._server)  # type: ignore[no-untyped-call]  # generated
        streams_pb2_grpc.add_FaceStreamServicer_to_server(streams.FaceStream(parts), self._server)  # type: ignore[no-untyped-call]  # generated
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)  # type: ignore[no-untyped-call]  # generated
        self._address = f"{settings.grpc_host}:{settings.grpc_port}"
        self._host = settings.grpc_host

    async def start(self) -> str:
        """Listen; answers the address. Raises Misconfigured if the port cannot be had."""
        try:
            port = self._server.add_insecure_port(self._address)
        except RuntimeError as error:
            raise Misconfigured(f"gRPC cannot listen on {self._address}: {another_port('grpc_port')}.") from error
        await _say(self._health, serving=False)
        await self._server.start()
        return f"{self._host}:{port}"

    async def run(self) -> None:
        """Serve, and keep the health service true, until cancelled; then let calls end."""
        try:
            await keep_health(self._health, self._presence)
        finally:
            self._live.drain()
            await self._health.enter_graceful_shutdown()
            await self._server.stop(self._stop_seconds)


def _options(settings: GatewaySettings) -> tuple[tuple[str, int], ...]:
    largest = max(settings.max_image_bytes, settings.max_live_packet_bytes)
    return (
        ("grpc.max_receive_message_length", largest + ENVELOPE_BYTES),
        ("grpc.max_send_message_length", settings.max_reply_bytes),
        ("grpc.max_concurrent_streams", settings.max_connection_calls),
        ("grpc.keepalive_time_ms", PING_MS),
        ("grpc.keepalive_timeout_ms", PONG_MS),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", CLIENT_PING_MS),
        ("grpc.so_reuseport", 0),
    )


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
    for service in SERVICES:
        await servicer.set(service, status)
