"""Which effects there are."""

from __future__ import annotations

from fastapi import APIRouter

from services.gateway.choices import DEFAULT_LOOK
from services.gateway.documents import LookDocument, LooksDocument
from services.gateway.parts import FromApp
from services.gateway.problems import documented
from services.gateway.scopes import needs
from shared.model.look_schema import look_schema
from shared.model.looks import DRAWING_ORDER
from shared.model.needs import layouts_of
from shared.model.presets import PRESETS

router = APIRouter(prefix="/v1", tags=["looks"], dependencies=[needs(None)])


@router.get("/looks", summary="List effects and named looks", response_model=LooksDocument, responses=documented())
async def list_looks(parts: FromApp) -> LooksDocument:
    """Every effect with its range, default and sentence as JSON Schema, those that the deployment has of its own among
    them, the order in which they are drawn, the faces that can carry them, and the looks that have a name."""
    own = parts.presence.effects()
    layouts = {effect: [int(layout) for layout in layouts_of(effect)] for effect in DRAWING_ORDER}
    return LooksDocument(
        look_schema=look_schema(own),
        effects={offer.name: offer.schema() for offer in own},
        presets={name: LookDocument.of(look) for name, look in PRESETS.items()},
        default=DEFAULT_LOOK,
        order=list(DRAWING_ORDER),
        layouts=layouts,
    )
