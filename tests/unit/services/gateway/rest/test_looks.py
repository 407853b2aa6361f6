"""Which effects there are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from shared.model.look_schema import look_schema
from shared.model.look_text import look_of_members
from shared.model.looks import EFFECTS
from shared.model.presets import PRESETS

if TYPE_CHECKING:
    import httpx


async def test_every_effect_has_its_range_default_and_sentence(client: httpx.AsyncClient) -> None:
    document = (await client.get("/v1/looks")).json()
    assert document["schema"] == json.loads(json.dumps(look_schema()))


async def test_every_preset_is_a_whole_look(client: httpx.AsyncClient) -> None:
    document = (await client.get("/v1/looks")).json()
    assert {name: look_of_members(look) for name, look in document["presets"].items()} == PRESETS
    assert document["default"] in PRESETS


async def test_the_order_of_drawing_and_the_faces_that_can_carry_each_effect_are_said(
    client: httpx.AsyncClient,
) -> None:
    document = (await client.get("/v1/looks")).json()
    assert set(document["order"]) == set(EFFECTS) == set(document["layouts"])
    assert document["order"].index("smooth") < document["order"].index("face_cover")
    assert document["layouts"]["enlarge_eyes"] == [468, 68, 5]
    assert document["layouts"]["blush"] == [468]
