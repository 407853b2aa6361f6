"""Which effects there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from services.gateway.documents import LookDocument
from shared.model.looks import Look
from shared.model.presets import PRESETS

if TYPE_CHECKING:
    import httpx


async def test_every_effect_has_its_range_default_and_sentence(client: httpx.AsyncClient) -> None:
    document = (await client.get("/v1/looks")).json()
    properties = document["schema"]["properties"]
    assert set(properties) == set(Look.__struct_fields__)
    for effect in properties.values():
        assert (effect["minimum"], effect["maximum"], effect["default"]) == (0.0, 1.0, 0.0)
        assert effect["description"].endswith(".")


async def test_every_preset_is_a_whole_look(client: httpx.AsyncClient) -> None:
    document = (await client.get("/v1/looks")).json()
    assert {name: msgspec.convert(look, Look) for name, look in document["presets"].items()} == PRESETS
    assert document["default"] in PRESETS


def test_the_documented_look_has_the_fields_of_the_model() -> None:
    assert tuple(LookDocument.model_fields) == Look.__struct_fields__
