"""Assets over REST."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
import pytest

from services.gateway.problems import MEDIA_TYPE
from shared.model.assets import AssetFacts, AssetKind, asset_key, facts_key
from shared.model.jobs import Problem
from shared.model.looks import Look
from shared.model.preparing import AssetPrepared, AssetRefused, PrepareAsset
from shared.transport import wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

    from shared.testing import MemoryBus
    from shared.transport.bus import Received
    from shared.transport.store import ObjectStore

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
CUBE = b"# a comment\nLUT_3D_SIZE 2\n"
JPEG = b"\xff\xd8\xff" + bytes(100)


def id_of(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:32]


@dataclass
class Ingest:
    """Prepares assets, or says what the test says."""

    store: ObjectStore
    problem: Problem | None = None
    uploads: list[bytes] = field(default_factory=list)

    async def prepare(self, received: Received) -> bytes:
        """PrepareAsset -> AssetPrepared | AssetRefused."""
        request = wire.decode(received.body, wire.decoder(PrepareAsset))
        self.uploads.append(await self.store.get(request.upload))
        if self.problem is not None:
            return wire.encode(AssetRefused(problem=self.problem))
        facts = AssetFacts(id=request.asset, kind=AssetKind.PICTURE, width=64, height=48, frames=3)
        await self.store.put(asset_key(request.asset), b"prepared")
        await self.store.put(facts_key(request.asset), msgspec.json.encode(facts))
        return wire.encode(AssetPrepared(facts=facts))


@pytest.fixture
async def ingest(bus: MemoryBus, store: ObjectStore) -> AsyncIterator[Ingest]:
    found = Ingest(store)
    async with bus.answer(PrepareAsset.SUBJECT, "ingest", found.prepare):
        yield found


def kept(tmp_path: Path) -> set[str]:
    """Keys of all objects."""
    folder = tmp_path / "objects"
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


async def test_an_upload_becomes_an_asset_that_is_named_by_its_bytes(
    client: httpx.AsyncClient, ingest: Ingest, tmp_path: Path
) -> None:
    answer = await client.post("/v1/assets", files={"file": ("any name.cube", PNG)})
    asset = id_of(PNG)
    assert (answer.status_code, answer.headers["location"]) == (201, f"/v1/assets/{asset}")
    facts = {"id": asset, "kind": "picture", "width": 64, "height": 48, "frames": 3, "size": None}
    assert answer.json() == facts
    assert (await client.get(f"/v1/assets/{asset}")).json() == facts
    assert ingest.uploads == [PNG]
    assert kept(tmp_path) == {asset_key(asset), facts_key(asset)}, "the upload itself is removed"


@pytest.mark.usefixtures("ingest")
@pytest.mark.parametrize("declared", ["image/png", "text/plain", "application/x-www-form-urlencoded"])
async def test_a_raw_body_is_read_by_its_beginning_and_not_by_its_type(
    client: httpx.AsyncClient, declared: str
) -> None:
    for body in (PNG, CUBE):
        answer = await client.post("/v1/assets", content=body, headers={"content-type": declared})
        assert (answer.status_code, answer.json()["id"]) == (201, id_of(body))


async def test_the_same_file_again_is_no_new_asset(client: httpx.AsyncClient, ingest: Ingest, tmp_path: Path) -> None:
    await client.post("/v1/assets", content=PNG)
    before = kept(tmp_path)
    answer = await client.post("/v1/assets", files={"file": PNG})
    assert (answer.status_code, answer.json()["id"]) == (200, id_of(PNG))
    assert answer.headers["location"] == f"/v1/assets/{id_of(PNG)}"
    assert len(ingest.uploads) == 1
    assert kept(tmp_path) == before


@pytest.mark.usefixtures("ingest")
async def test_a_lut_has_no_width_and_a_picture_no_size(client: httpx.AsyncClient, store: ObjectStore) -> None:
    facts = AssetFacts(id="a" * 32, kind=AssetKind.LUT, size=33)
    await store.put(asset_key(facts.id), b"prepared")
    await store.put(facts_key(facts.id), msgspec.json.encode(facts))
    document = (await client.get(f"/v1/assets/{facts.id}")).json()
    assert document == {"id": "a" * 32, "kind": "lut", "width": None, "height": None, "frames": None, "size": 33}


@pytest.mark.usefixtures("ingest")
async def test_an_asset_is_removed_once(client: httpx.AsyncClient, tmp_path: Path) -> None:
    url = f"/v1/assets/{id_of(PNG)}"
    await client.post("/v1/assets", content=PNG)
    assert (await client.delete(url)).status_code == 204
    assert kept(tmp_path) == set()
    for method in ("GET", "DELETE"):
        answer = await client.request(method, url)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown-asset")
    assert (await client.post("/v1/assets", content=PNG)).status_code == 201


@pytest.mark.parametrize("asset", ["f" * 32, "a", "A" * 32, "..%5c..%5cjobs", "%00" * 32])
async def test_what_is_not_there_is_unknown(client: httpx.AsyncClient, store: ObjectStore, asset: str) -> None:
    await store.put("jobs/a/job.json", b"{}")
    for method in ("GET", "DELETE"):
        answer = await client.request(method, f"/v1/assets/{asset}")
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown-asset")
    assert await store.exists("jobs/a/job.json")


@pytest.mark.parametrize(
    ("body", "status", "code", "words"),
    [
        (b"", 400, "empty", "empty"),
        (b"dear reader, this is no LUT", 415, "unsupported-media", ".cube"),
        (b"\0\0\0 ftypisom" + bytes(20), 415, "unsupported-media", "PNG, WebP, GIF"),
        (PNG + bytes(100_000), 413, "too-large", "100000 bytes (max_asset_bytes)"),
    ],
)
async def test_a_bad_upload_is_refused_before_ingest_sees_it(
    client: httpx.AsyncClient, ingest: Ingest, tmp_path: Path, body: bytes, status: int, code: str, words: str
) -> None:
    for sent in ({"content": body}, {"files": {"file": ("a.png", body)}}):
        answer = await client.post("/v1/assets", **sent)  # type: ignore[arg-type]  # httpx's own words
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.headers["content-type"] == MEDIA_TYPE
        assert words in answer.json()["detail"]
    assert ingest.uploads == []
    assert kept(tmp_path) == set()


async def test_a_field_beside_the_file_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/assets?look=none", content=PNG)
    assert answer.json()["code"] == "invalid-parameter"
    assert "there are: none" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("problem", "status"),
    [
        (Problem("damaged-media", "Line 3: that is no row."), 422),
        (Problem("too-large", "Too many pixels (max_asset_pixels)."), 413),
        (Problem("unavailable", "The store is away."), 503),
    ],
)
async def test_what_ingest_says_is_told_and_nothing_is_left(
    client: httpx.AsyncClient, ingest: Ingest, tmp_path: Path, problem: Problem, status: int
) -> None:
    ingest.problem = problem
    answer = await client.post("/v1/assets", content=PNG)
    assert (answer.status_code, answer.json()["code"]) == (status, problem.code)
    assert answer.json()["detail"] == problem.detail
    assert kept(tmp_path) == set()


async def test_without_ingest_the_service_is_unavailable_and_nothing_is_left(
    client: httpx.AsyncClient, tmp_path: Path
) -> None:
    answer = await client.post("/v1/assets", content=PNG)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert kept(tmp_path) == set()


@pytest.fixture
def _looks_with_an_asset(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look but the invisible one names the same asset."""
    named = property(lambda look: () if look.invisible else (id_of(PNG),))
    monkeypatch.setattr(Look, "asset_ids", named)


@pytest.mark.usefixtures("_looks_with_an_asset", "ingest", "warm", "lane")
async def test_a_look_whose_asset_is_not_there_is_refused_until_it_is(client: httpx.AsyncClient) -> None:
    video = b"\0\0\0\x20ftypisom" + bytes(100)
    wanted = (("/v1/images", JPEG, 200), ("/v1/jobs", video, 202))
    for path, body, _ in wanted:
        answer = await client.post(path, files={"file": body}, data={"look": "natural"})
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown-asset")
        assert id_of(PNG) in answer.json()["detail"]
    await client.post("/v1/assets", content=PNG)
    for path, body, status in wanted:
        answer = await client.post(path, files={"file": body}, data={"look": "natural"})
        assert answer.status_code == status, answer.text
