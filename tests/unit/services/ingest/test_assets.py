"""Assets over the bus: fetched, read by a process, checked, stored."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from services.ingest.assets import AssetService
from services.ingest.decoders.making import DecoderDied
from services.ingest.limits import IngestLimits
from shared.model.assets import AssetFacts, PreparedLut, PreparedPicture, asset_key, facts_key, pack, unpack
from shared.model.errors import Rejected, Unavailable
from shared.model.jobs import Problem
from shared.model.preparing import AssetPrepared, AssetRefused, PrepareAsset
from shared.runtime.settings import ServiceSettings
from shared.runtime.telemetry import Telemetry
from shared.testing import MemoryMessage
from shared.transport import wire
from shared.transport.store import ObjectStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.ingest.decoders.making import ReadAsset

ASSET, UPLOAD = "a" * 32, "asset-uploads/x"
LIMITS = IngestLimits(
    max_asset_bytes=100, max_asset_pixels=6, max_asset_frames=2, max_asset_total_pixels=10, max_lut_size=3
)


def picture(width: int = 2, height: int = 3, frames: int = 1) -> PreparedPicture:
    durations = (40,) * frames if frames > 1 else (0,)
    return PreparedPicture(
        width=width, height=height, frames=(bytes(4 * width * height),) * frames, durations_ms=durations
    )


class ScriptedDecoders:
    """Writes what a test says, one body or error for each process."""

    def __init__(self) -> None:
        self.limits = LIMITS
        self.script: list[bytes | Exception] = []
        self.read: list[bytes] = []
        self.under_way = self.most_under_way = 0
        self.going_on = asyncio.Event()
        self.going_on.set()

    async def read_asset(self, task: ReadAsset) -> None:
        """As Decoders.read_asset."""
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        self.read.append(_read(task.source))
        await self.going_on.wait()
        self.under_way -= 1
        outcome = self.script.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        _write(task.target, outcome)


def _read(path: str) -> bytes:
    return Path(path).read_bytes()


def _write(path: str, body: bytes) -> None:
    Path(path).write_bytes(body)


class Desk:
    """The service over a folder."""

    def __init__(self, folder: Path) -> None:
        self.decoders = ScriptedDecoders()
        self.store = ObjectStore.open((folder / "objects").as_uri())
        self.work = folder / "work"
        self.work.mkdir()
        self.telemetry = Telemetry("ingest", ServiceSettings(), lambda _: None)
        self.service = AssetService(self.decoders, self.store, self.telemetry, self.work, at_a_time=2)  # type: ignore[arg-type]  # a double

    async def ask(self, *script: bytes | Exception, upload: bytes | None = b"the file") -> AssetPrepared | AssetRefused:
        self.decoders.script += script
        if upload is not None:
            await self.store.put(UPLOAD, upload)
        request = wire.encode(PrepareAsset(asset=ASSET, upload=UPLOAD))
        answer = await self.service.prepare(MemoryMessage("", request, {}))
        return wire.decode(answer, wire.decoder(AssetPrepared | AssetRefused))

    async def problem(self, *script: bytes | Exception, **wanted: Any) -> Problem:
        answer = await self.ask(*script, **wanted)
        assert isinstance(answer, AssetRefused)
        assert not await self.store.exists(asset_key(ASSET)), "what was refused leaves nothing"
        assert not await self.store.exists(facts_key(ASSET))
        return answer.problem


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    assert list(made.work.iterdir()) == [], "no file of the work is left"
    made.telemetry.close()


@pytest.mark.parametrize("prepared", [picture(), picture(1, 5, frames=2), PreparedLut(size=3, body=bytes(12 * 27))])
async def test_what_a_process_has_read_lies_in_the_store_with_its_facts(
    desk: Desk, prepared: PreparedPicture | PreparedLut
) -> None:
    facts = prepared.facts(ASSET)
    assert await desk.ask(pack(prepared)) == AssetPrepared(facts=facts)
    assert unpack(await desk.store.get(asset_key(ASSET))) == prepared
    assert msgspec.json.decode(await desk.store.get(facts_key(ASSET)), type=AssetFacts) == facts
    assert desk.decoders.read == [b"the file"]


async def test_a_refusal_comes_through_with_its_words(desk: Desk) -> None:
    said = Problem("damaged-media", "Line 3: that is no row.")
    assert await desk.problem(Rejected(said.code, said.detail)) == said


async def test_an_upload_over_the_limit_is_not_fetched(desk: Desk) -> None:
    problem = await desk.problem(upload=bytes(101))
    assert (problem.code, problem.detail) == ("too-large", "The file has more than 100 bytes (max_asset_bytes).")
    assert desk.decoders.read == []


async def test_a_process_that_dies_is_followed_by_one_more(desk: Desk) -> None:
    assert isinstance(await desk.ask(DecoderDied("killed"), pack(picture())), AssetPrepared)


async def test_a_file_that_ends_two_processes_is_at_fault(desk: Desk) -> None:
    problem = await desk.problem(DecoderDied("killed"), DecoderDied("killed"))
    assert (problem.code, "ended 2 processes" in problem.detail) == ("damaged-media", True)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no asset",
        pack(picture())[:-1],
        pack(picture(7, 1)),
        pack(picture(1, 1, frames=3)),
        pack(picture(2, 3, frames=2)),
        pack(PreparedLut(size=4, body=bytes(12 * 64))),
        bytes(80_000),
    ],
    ids=["nothing", "rubbish", "cut off", "pixels", "frames", "pixels of all frames", "a large LUT", "a large file"],
)
async def test_a_process_is_not_believed_what_it_should_have_refused(desk: Desk, body: bytes) -> None:
    assert (await desk.problem(body, body)).code == "damaged-media"


async def test_an_upload_that_is_gone_is_nobodys_fault(desk: Desk) -> None:
    assert (await desk.problem(upload=None)).code == "unavailable"


async def test_whoever_asks_hears_that_the_work_cannot_be_done_now(desk: Desk) -> None:
    problem = await desk.problem(Unavailable("The process that forks decoders is not running."))
    assert problem == Problem("unavailable", "The process that forks decoders is not running.")


async def test_more_than_there_is_room_for_wait_their_turn(desk: Desk) -> None:
    desk.decoders.going_on.clear()
    asked = [asyncio.create_task(desk.ask(pack(picture()))) for _ in range(5)]
    async with asyncio.timeout(10):
        while desk.decoders.under_way < 2:  # noqa: ASYNC110  -- nobody tells of the others that wait
            await asyncio.sleep(0.005)
    desk.decoders.going_on.set()
    assert all(isinstance(answer, AssetPrepared) for answer in await asyncio.gather(*asked))
    assert desk.decoders.most_under_way == 2
