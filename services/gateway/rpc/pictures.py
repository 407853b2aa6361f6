"""Pictures over gRPC: `visavis.v1.Pictures`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.gateway.choices import read_look, read_models
from services.gateway.face_messages import face_messages, hop_messages
from services.gateway.own_effects import message_known
from services.gateway.problems import Refusal
from services.gateway.rpc.calls import needs
from services.gateway.stills import StillRequest, still_kind
from shared.model.errors import Rejected
from shared.model.jobs import Want
from shared.model.keys import Scope
from shared.model.looks import Look
from shared.model.media import STILLS, MediaKind
from visavis.v1 import pictures_pb2, pictures_pb2_grpc

if TYPE_CHECKING:
    from services.gateway.calls import Served
    from services.gateway.parts import Parts
    from services.gateway.quotas import KeyQuota
    from services.gateway.rpc.calls import Context
    from services.gateway.stills import StillAnswer
    from shared.model.offers import ModelChoice
    from shared.runtime.presence import Presence

SERVICE = "visavis.v1.Pictures"


class Pictures(pictures_pb2_grpc.PicturesServicer):
    """One picture in, one answer out."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    @needs(SERVICE, Scope.PICTURES)
    async def Analyze(  # noqa: N802  -- the contract's own name
        self, request: pictures_pb2.AnalyzeRequest, context: Context, about: Served
    ) -> pictures_pb2.AnalyzeResponse:
        """Find every face."""
        wanted = StillRequest(request.picture, Want.FACES, Look(), models=_models(request))
        answer = await self._ask(wanted, context, about.caller.quota)
        finished = answer.finished
        return pictures_pb2.AnalyzeResponse(
            width=finished.width,
            height=finished.height,
            faces=face_messages(finished.faces),
            hops=hop_messages(answer.hops),
        )

    @needs(SERVICE, Scope.PICTURES)
    async def Process(  # noqa: N802  -- the contract's own name
        self, request: pictures_pb2.ProcessRequest, context: Context, about: Served
    ) -> pictures_pb2.ProcessResponse:
        """Retouch every face."""
        kind = _reply_kind(request.reply_media_type)
        look = _look(request, self.parts.presence)
        wanted = StillRequest(request.picture, Want.PICTURE, look, kind, _models(request))
        answer = await self._ask(wanted, context, about.caller.quota)
        finished = answer.finished
        return pictures_pb2.ProcessResponse(
            picture=answer.picture,
            media_type=finished.kind or "",
            width=finished.width,
            height=finished.height,
            faces=face_messages(finished.faces),
            hops=hop_messages(answer.hops),
        )

    async def _ask(self, request: StillRequest, context: Context, quota: KeyQuota) -> StillAnswer:
        quota.take_bytes(len(request.body))
        most = self.parts.settings.max_image_bytes
        if len(request.body) > most:
            raise Rejected("too-large", f"The picture has more than {most} bytes (max_image_bytes).")
        came_in = still_kind(request.body)
        keeps_alpha = (request.reply_kind or came_in).keeps_alpha
        await self.parts.admission.check(request.look, request.models, keeps_alpha=keeps_alpha)
        with self.parts.stills.room(), quota.picture() as charge:
            answer = await self.parts.stills.ask(request, context.time_remaining())
            charge.pixels = answer.pixels
            return answer


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
