"""Live streams over gRPC: `visavis.v1.FaceStream`."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import grpc

from services.gateway.live.call import LiveCall
from services.gateway.rpc_calls import serving, tell_trace
from visavis.v1 import streams_pb2, streams_pb2_grpc

if TYPE_CHECKING:
    from services.gateway.live.desk import LiveDesk
    from services.gateway.live.taking import Client
    from services.gateway.rpc_calls import Context

SERVICE = "visavis.v1.FaceStream"


class FaceStream(streams_pb2_grpc.FaceStreamServicer):
    """Frames in, frames out."""

    def __init__(self, desk: LiveDesk) -> None:
        self._desk = desk

    async def Process(self, requests: Client, context: Context) -> None:  # noqa: N802  -- the contract's own name
        """Retouch every face of a stream."""

        async def send(message: streams_pb2.ServerMessage) -> None:
            try:
                await context.write(message)
            except grpc.aio.InternalError as error:  # what a broken connection is to a writer
                raise ConnectionResetError from error

        with suppress(ConnectionError):  # nobody is there who could be told
            async with serving(self._desk.telemetry, f"{SERVICE}/Process", context) as about:
                tell_trace(context, about)
                call = LiveCall(self._desk, requests, send, about.trace_id)
                try:
                    await call.run()
                finally:
                    about.facts |= call.account.facts()
