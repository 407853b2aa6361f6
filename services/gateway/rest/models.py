"""Which models there are to choose from."""

from __future__ import annotations

from fastapi import APIRouter

from services.gateway.documents import ModelsDocument, OfferDocument
from services.gateway.offers import all_offers
from services.gateway.parts import FromApp
from services.gateway.problems import documented
from services.gateway.scopes import needs

router = APIRouter(prefix="/v1", tags=["models"], dependencies=[needs(None)])


@router.get("/models", summary="List the models", response_model=ModelsDocument, responses=documented())
async def list_models(parts: FromApp) -> ModelsDocument:
    """What the fields `detector` and `landmarks` may name, as the warm lanes offer it now; empty without one. In the
    place of a landmark model `keypoints` names the five points of a detector that has them. A segmenter is not named:
    it is used where a look asks for it."""
    return ModelsDocument(models=[OfferDocument.of(offer) for offer in all_offers(parts.presence.offers())])
