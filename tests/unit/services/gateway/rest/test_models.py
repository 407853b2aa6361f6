"""Which models there are to choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import httpx


@pytest.mark.usefixtures("warm")
async def test_the_offers_of_the_warm_lanes_are_listed(client: httpx.AsyncClient) -> None:
    document = (await client.get("/v1/models")).json()
    assert document["models"][0] == {"name": "blazeface", "role": "detector", "points": 6, "default": True}
    assert [offer["name"] for offer in document["models"]] == ["blazeface", "scrfd-500m", "face-mesh"]


async def test_without_a_lane_there_are_none(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/models")).json() == {"models": []}
