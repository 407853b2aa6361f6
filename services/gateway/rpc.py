"""Pictures over gRPC: `visavis.v1.Pictures`."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import grpc

from services.gateway.choices import read_look, read_models
from services.gateway.own_effects import message_known
from services.gateway.problems import RETRY_SECONDS, Refusal, status_of
from services.gateway.requests import count_request
from services.gateway.stills import StillRequest, still_kind
from shared.model.errors import Rejected, Unavailable
from shared.model.jobs import Want
from shared.model.looks import Look
from shared.model.media import STILLS, MediaKind
from shared.runtime.telemetry import log, trace_id_of
from visavis.v1 import pictures_pb2, pictures_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from services.gateway.parts import Parts
    from services.gateway.stills import StillAnswer
    from shared.model.faces import Face, Pose
    from shared.model.hops import Hop
    from shared.model.offers import ModelChoice
    from shared.runtime.presence import Presence

    Context = grpc.aio.ServicerContext[Any, Any]

SERVICE = "visavis.v1.Pictures"

_CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT, 404: grpc.StatusCode.NOT_FOUND, 406: grpc.StatusCode.INVALID_ARGUMENT,
    413: grpc.StatusCode.INVALID_ARGUMENT, 415: grpc.StatusCode.INVALID_ARGUMENT, 422: grpc.StatusCode.INVALID_ARGUMENT,
    500: grpc.StatusCode.INTERNAL, 503: grpc.StatusCode.UNAVAILABLE, 504: grpc.StatusCode.DEADLINE_EXCEEDED,
}  # fmt: skip


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
                width=finished.width, height=finished.height, faces=_faces(finished.faces), hops=_hops(answer.hops)
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
                faces=_faces(finished.faces),
                hops=_hops(answer.hops),
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
        """Around every call: one span, one log line, one count; errors become canonical codes."""
        carried = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
        started, route, code = time.perf_counter(), f"{SERVICE}/{method}", "internal"
        with self._parts.telemetry.span(route, carried, "server") as span:
            trace_id = trace_id_of(span)
            context.set_trailing_metadata((("visavis-trace-id", trace_id),))
            try:
                yield
                code = "ok"
            except (Rejected, Refusal) as error:
                code = error.code
                await _abort(context, trace_id, code, error.detail)
            except Unavailable as error:
                code = "unavailable"
                await _abort(context, trace_id, code, str(error))
            except asyncio.CancelledError:
                code = "cancelled"
                raise
            except Exception:  # noqa: BLE001  -- gRPC would tell the client the words of the bug
                log.exception("unexpected")
                await _abort(context, trace_id, code, "Something broke on our side; the trace id leads to the log.")
            finally:
                took_ms = count_request("grpc", route, "RPC", code, started)
                log.info("request", route=route, status=code, ms=took_ms)


async def _abort(context: Context, trace_id: str, code: str, detail: str) -> None:
    """End the call with the canonical code; never returns."""
    metadata = [("visavis-trace-id", trace_id), ("visavis-code", code)]
    status = _CODES.get(status_of(code), grpc.StatusCode.INVALID_ARGUMENT)
    if status is grpc.StatusCode.UNAVAILABLE:
        metadata.append(("grpc-retry-pushback-ms", f"{RETRY_SECONDS * 1000:.0f}"))
    await context.abort(status, detail, tuple(metadata))


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


def _faces(faces: Iterable[Face]) -> list[pictures_pb2.Face]:
    return [
        pictures_pb2.Face(
            track=face.track,
            score=face.score,
            box=pictures_pb2.Box(x0=face.box_px[0], y0=face.box_px[1], x1=face.box_px[2], y1=face.box_px[3]),
            landmarks=face.landmarks_px.ravel().tolist(),
            quality=face.quality,
            pose=_pose(face.pose) if face.pose else None,
        )
        for face in faces
    ]


def _pose(pose: Pose) -> pictures_pb2.Pose:
    return pictures_pb2.Pose(yaw=pose.yaw, pitch=pose.pitch, roll=pose.roll)


def _hops(hops: Iterable[Hop]) -> list[pictures_pb2.Hop]:
    return [pictures_pb2.Hop(name=hop.name, waited_ms=hop.waited_ms, worked_ms=hop.worked_ms) for hop in hops]
