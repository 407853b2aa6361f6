"""Pictures and colour LUTs that looks refer to: uploaded once, named by what is in them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from services.gateway.documents import AssetDocument
from services.gateway.fields import OF_ASSETS, asks
from services.gateway.parts import FromApp
from services.gateway.problems import documented
from services.gateway.scopes import FromCaller, needs
from services.gateway.uploads import Upload
from shared.model.assets import PICTURES
from shared.model.keys import Scope

router = APIRouter(prefix="/v1/assets", tags=["assets"], dependencies=[needs(Scope.ASSETS)])

_TEXT = "text/plain"
_LOCATION: dict[str, Any] = {"Location": {"description": "Where the asset is.", "schema": {"type": "string"}}}


@router.post(
    "",
    status_code=201,
    summary="Upload an asset of looks",
    response_model=AssetDocument,
    responses={
        201: {"description": "The new asset.", "headers": _LOCATION},
        200: {"description": "The asset, which was there already.", "model": AssetDocument, "headers": _LOCATION},
        **documented(
            "empty", "malformed-request", "upload-cut-off", "upload-stalled", "too-large", "unsupported-media",
            "invalid-parameter", "damaged-media", "too-demanding", "quota-exceeded", "unavailable", "storage-full",
        ),
    },
    openapi_extra=asks(OF_ASSETS, [*sorted(PICTURES), _TEXT], "PNG, JPEG, WebP, GIF (animations too) or .cube text."),
)  # fmt: skip
async def add(request: Request, response: Response, parts: FromApp, caller: FromCaller) -> AssetDocument:
    """Send PNG, JPEG, WebP, GIF or a `.cube` text as the part `file` of a form, or as the raw body. The same file has
    the same id, so that sending it again is harmless. Assets stay until they are removed."""
    upload = Upload(request, parts.settings, "max_asset_bytes", OF_ASSETS)
    facts, is_new = await parts.assets.accept(upload, caller.owner)
    response.status_code = 201 if is_new else 200
    response.headers["Location"] = f"/v1/assets/{facts.id}"
    return AssetDocument.of(facts)


@router.get(
    "/{asset}",
    summary="Say what an asset is",
    response_model=AssetDocument,
    responses=documented("unknown-asset", "unavailable"),
)
async def look_up(asset: str, parts: FromApp) -> AssetDocument:
    """Kind, size, frames: what is known of it without its pixels."""
    return AssetDocument.of(await parts.assets.find(asset))


@router.delete(
    "/{asset}",
    status_code=204,
    summary="Remove an asset",
    response_class=Response,
    responses={204: {"description": "It is removed."}, **documented("unknown-asset", "unavailable")},
)
async def remove(asset: str, parts: FromApp, caller: FromCaller) -> Response:
    """Looks that name it are refused from now on; what is being drawn with it goes on. Where several keys have sent the
    same file it stays until the last of them has removed it."""
    await parts.assets.remove(asset, caller)
    return Response(status_code=204)
