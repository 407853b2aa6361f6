"""Live streams over gRPC: `visavis.v1.FaceStream`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc

from services.gateway.live.call import LiveCall
from services.gateway.rpc.calls import needs
from shared.model.keys import Scope
from visavis.v1 import streams_pb2, streams_pb2_grpc

if TYPE_CHECKING:
    from services.gateway.calls import Served
    from services.gateway.live.taking import Client
    from services.gateway.parts import Parts
    from services.gateway.rpc.calls import Context

SERVICE = "visavis.v1.FaceStream"


class FaceStream(streams_pb2_grpc.FaceStreamServicer):
    """Frames in, frames out."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    @needs(SERVICE, Scope.STREAMS)
    async def Process(  # noqa: N802  -- the contract's own name
        self, requests: Client, context: Context, about: Served
    ) -> None:
        """Retouch every face of a stream."""

        await context.send_initial_metadata((("visavis-trace-id", about.trace_id),))

        async def send(message: streams_pb2.ServerMessage) -> None:
            try:
                await context.write(message)
            except grpc.aio.InternalError as error:  # what a broken connection is to a writer
                raise ConnectionResetError from error

        call = LiveCall(self.parts.live, requests, send, about.trace_id, about.caller)
        try:
            await call.run()
        finally:
            about.facts |= call.facts()
