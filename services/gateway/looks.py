"""Which effects there are."""

from __future__ import annotations

from fastapi import APIRouter

from services.gateway.choices import DEFAULT_LOOK
from services.gateway.documents import LookDocument, LooksDocument
from services.gateway.problems import documented
from shared.model.look_schema import look_schema
from shared.model.looks import DRAWING_ORDER
from shared.model.needs import layouts_of
from shared.model.presets import PRESETS

router = APIRouter(prefix="/v1", tags=["looks"])


@router.get("/looks", summary="List effects and named looks", response_model=LooksDocument, responses=documented())
async def list_looks() -> LooksDocument:
    """Every effect with its range, default and sentence as JSON Schema, the order in which they are drawn, the faces
    that can carry them, and the looks that have a name."""
    presets = {name: LookDocument.of(look) for name, look in PRESETS.items()}
    layouts = {effect: [int(layout) for layout in layouts_of(effect)] for effect in DRAWING_ORDER}
    return LooksDocument(
        look_schema=look_schema(), presets=presets, default=DEFAULT_LOOK, order=list(DRAWING_ORDER), layouts=layouts
    )
