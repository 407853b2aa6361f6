"""Pictures over gRPC: `visavis.v1.Pictures`."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from services.gateway.choices import read_look, read_models
from services.gateway.face_messages import face_messages, hop_messages
from services.gateway.own_effects import message_known
from services.gateway.problems import Refusal
from services.gateway.rpc_calls import serving, tell_trace
from services.gateway.stills import StillRequest, still_kind
from shared.model.errors import Rejected
from shared.model.jobs import Want
from shared.model.looks import Look
from shared.model.media import STILLS, MediaKind
from visavis.v1 import pictures_pb2, pictures_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.gateway.parts import Parts
    from services.gateway.rpc_calls import Context
    from services.gateway.stills import StillAnswer
    from shared.model.offers import ModelChoice
    from shared.runtime.presence import Presence

SERVICE = "visavis.v1.Pictures"


class Pictures(pictures_pb2_grpc.PicturesServicer):
    """One picture in, one answer out."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def Analyze(  # noqa: N802  -- the contract's own name
        self, request: pictures_pb2.AnalyzeRequest, context: Context
    ) -> pictures_pb2.AnalyzeResponse:
        """Find every face."""
        async with self._served("Analyze", context):
            wanted = StillRequest(request.picture, Want.FACES, Look(), models=_models(request))
            answer = await self._ask(wanted, context)
            finished = answer.finished
            return pictures_pb2.AnalyzeResponse(
                width=finished.width,
                height=finished.height,
                faces=face_messages(finished.faces),
                hops=hop_messages(answer.hops),
            )

    async def Process(  # noqa: N802  -- the contract's own name
        self, request: pictures_pb2.ProcessRequest, context: Context
    ) -> pictures_pb2.ProcessResponse:
        """Retouch every face."""
        async with self._served("Process", context):
            kind = _reply_kind(request.reply_media_type)
            wanted = StillRequest(
                request.picture, Want.PICTURE, _look(request, self._parts.presence), kind, _models(request)
            )
            answer = await self._ask(wanted, context)
            finished = answer.finished
            return pictures_pb2.ProcessResponse(
                picture=answer.picture,
                media_type=finished.kind or "",
                width=finished.width,
                height=finished.height,
                faces=face_messages(finished.faces),
                hops=hop_messages(answer.hops),
            )

    async def _ask(self, request: StillRequest, context: Context) -> StillAnswer:
        most = self._parts.settings.max_image_bytes
        if len(request.body) > most:
            raise Rejected("too-large", f"The picture has more than {most} bytes (max_image_bytes).")
        came_in = still_kind(request.body)
        keeps_alpha = (request.reply_kind or came_in).keeps_alpha
        await self._parts.admission.check(request.look, request.models, keeps_alpha=keeps_alpha)
        with self._parts.stills.room():
            return await self._parts.stills.ask(request, context.time_remaining())

    @asynccontextmanager
    async def _served(self, method: str, context: Context) -> AsyncIterator[None]:
        async with serving(self._parts.telemetry, f"{SERVICE}/{method}", context) as about:
            tell_trace(context, about)
            yield


def _look(request: pictures_pb2.ProcessRequest, presence: Presence) -> Look:
    if request.WhichOneof("look_choice") == "look":
        return message_known(request.look, presence)
    return read_look({"look": request.look_name}, presence)


def _models(request: pictures_pb2.AnalyzeRequest | pictures_pb2.ProcessRequest) -> ModelChoice:
    return read_models({"detector": request.detector, "landmarks": request.landmarks})


def _reply_kind(media_type: str) -> MediaKind | None:
    if not media_type:
        return None
    if media_type not in set(STILLS):
        raise Refusal("not-acceptable", f"A picture can be answered as {', '.join(sorted(STILLS))}.")
    return MediaKind(media_type)
