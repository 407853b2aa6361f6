"""One picture in, one answer out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from fastapi import APIRouter, Request, Response

from services.gateway.choices import read_look, read_models, reply_kind
from services.gateway.documents import AnalysisDocument
from services.gateway.fields import OF_ANALYSES, OF_IMAGES, asks
from services.gateway.parts import FromApp, Parts
from services.gateway.problems import documented
from services.gateway.scopes import FromCaller, needs
from services.gateway.stills import StillAnswer, StillRequest, still_kind
from services.gateway.uploads import Upload
from shared.model.faces import face_document
from shared.model.jobs import Want
from shared.model.keys import Scope
from shared.model.looks import Look
from shared.model.media import STILLS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.model.hops import Hop

router = APIRouter(prefix="/v1", tags=["pictures"], dependencies=[needs(Scope.PICTURES)])

_BINARY = {"type": "string", "format": "binary"}
_FILE = "JPEG, PNG or WebP."
_PROBLEMS = (
    "empty", "malformed-request", "upload-cut-off", "upload-stalled", "too-large", "unsupported-media",
    "invalid-parameter", "unknown-model", "damaged-media", "too-small", "too-demanding",
    "quota-exceeded", "unavailable", "deadline-exceeded",
)  # fmt: skip
_OF_LOOKS = ("invalid-look", "unsupported-look", "unknown-asset")
_TIMING = {
    "Server-Timing": {
        "description": "What each hop waited and worked, milliseconds.",
        "schema": {"type": "string"},
        "example": "ingest.waited;dur=0.41, ingest.worked;dur=3.2, detect.waited;dur=0.38, detect.worked;dur=9.6",
    }
}


@router.post(
    "/images",
    summary="Retouch a picture",
    response_class=Response,
    responses={
        200: {
            "description": "The retouched picture.",
            "content": {kind: {"schema": _BINARY, "example": "(the picture's bytes)"} for kind in sorted(STILLS)},
            "headers": _TIMING,
        },
        **documented(*_PROBLEMS, *_OF_LOOKS, "not-acceptable"),
    },
    openapi_extra=asks(OF_IMAGES, sorted(STILLS), _FILE),
)
async def retouch(request: Request, parts: FromApp, caller: FromCaller) -> Response:
    """Send JPEG, PNG or WebP as the part `file` of a form, or as the raw body with the fields in the query (`?look=`).
    The answer is in the format it came in, or the best one that `Accept` names."""
    with parts.stills.room(), caller.quota.picture() as charge:
        upload = Upload(request, parts.settings, "max_image_bytes", OF_IMAGES)
        body = await upload.body()
        kind = reply_kind(request.headers.get("accept", ""), still_kind(body))
        look = read_look(upload.fields, parts.presence)
        wanted = StillRequest(body, Want.PICTURE, look, kind, read_models(upload.fields))
        answer = await _asked(wanted, parts)
        charge.pixels = answer.pixels
    return Response(answer.picture, headers=_headers(answer.hops), media_type=answer.finished.kind or kind)


@router.post(
    "/analyses",
    summary="Find the faces of a picture",
    response_model=AnalysisDocument,
    responses={200: {"description": "Every face with its landmarks.", "headers": _TIMING}, **documented(*_PROBLEMS)},
    openapi_extra=asks(OF_ANALYSES, sorted(STILLS), _FILE),
)
async def analyse(request: Request, parts: FromApp, caller: FromCaller) -> Response:
    """Send a picture as for `/v1/images`; the answer is one line of `faces.jsonl`."""
    with parts.stills.room(), caller.quota.picture() as charge:
        answer = await _analysis(request, parts)
        charge.pixels = answer.pixels
    document = {
        "frame": 0,
        "pts_seconds": 0.0,
        "width": answer.finished.width,
        "height": answer.finished.height,
        "faces": [face_document(face) for face in answer.finished.faces],
    }
    return Response(msgspec.json.encode(document), headers=_headers(answer.hops), media_type="application/json")


async def _analysis(request: Request, parts: Parts) -> StillAnswer:
    upload = Upload(request, parts.settings, "max_image_bytes", OF_ANALYSES)
    body = await upload.body()
    still_kind(body)
    return await _asked(StillRequest(body, Want.FACES, Look(), models=read_models(upload.fields)), parts)


async def _asked(request: StillRequest, parts: Parts) -> StillAnswer:
    kind = request.reply_kind or still_kind(request.body)
    await parts.admission.check(request.look, request.models, keeps_alpha=kind.keeps_alpha)
    return await parts.stills.ask(request)


def _headers(hops: Sequence[Hop]) -> dict[str, str]:
    """Server-Timing (W3C): what each hop waited and worked, milliseconds."""
    entries = [f"{hop.name}.waited;dur={hop.waited_ms:g}, {hop.name}.worked;dur={hop.worked_ms:g}" for hop in hops]
    return {"Server-Timing": ", ".join(entries)}
