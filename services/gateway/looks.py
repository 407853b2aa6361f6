"""Which effects there are."""

from __future__ import annotations

from fastapi import APIRouter

from services.gateway.choices import DEFAULT_LOOK
from services.gateway.documents import LooksDocument, look_document
from services.gateway.problems import documented
from shared.model.looks import look_schema
from shared.model.presets import PRESETS

router = APIRouter(prefix="/v1", tags=["looks"])


@router.get("/looks", summary="List effects and named looks", response_model=LooksDocument, responses=documented())
async def list_looks() -> LooksDocument:
    """Every effect with its range, default and sentence as JSON Schema, and the looks that have a name."""
    presets = {name: look_document(look) for name, look in PRESETS.items()}
    return LooksDocument(look_schema=look_schema(), presets=presets, default=DEFAULT_LOOK)
