"""JSON Schema of a look, for machines; `shared.model.catalogue` is the same for people."""

from __future__ import annotations

from inspect import cleandoc
from typing import TYPE_CHECKING, Any, Final

import msgspec

from shared.model.looks import Look

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.model.own_effects import EffectOffer

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
PARTS_AT: Final = "#/$defs/"


def look_schema(offers: Iterable[EffectOffer] = (), parts_at: str = PARTS_AT) -> dict[str, Any]:
    """JSON Schema (2020-12) of a look: every effect with its range, default and sentence.

    offers: effects of others' own that there are. parts_at: where references expect what stands in `$defs`, for a
    document that has another place for it.
    """
    schema = msgspec.json.schema(Look, ref_template=parts_at + "{name}")
    parts = schema["$defs"]
    body: dict[str, Any] = parts.pop("Look")
    body["description"] = cleandoc(body["description"])
    properties = body["properties"]
    properties.pop("own")
    for effect in properties.values():
        for name in (one["$ref"].removeprefix(parts_at) for one in effect.get("anyOf", ()) if "$ref" in one):
            effect["description"] = parts[name]["description"]
    properties |= {offer.name: offer.schema() for offer in offers}
    return {"$schema": DIALECT, **body, "$defs": parts}
