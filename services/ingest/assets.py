"""Assets: an upload in the object store becomes what a look can draw, through a confined process."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import msgspec

from services.ingest.decoders.making import DecoderDied
from services.ingest.messages.decoder import ReadAsset
from shared.model.assets import Prepared, PreparedPicture, asset_key, facts_key, unpack
from shared.model.errors import Malformed, Rejected, VisavisError
from shared.model.jobs import DECODER_DEATHS, Problem
from shared.model.preparing import AssetPrepared, AssetRefused, PrepareAsset
from shared.runtime.logs import log
from shared.transport import wire

if TYPE_CHECKING:
    from services.ingest.decoders.making import Decoders
    from services.ingest.limits import IngestLimits
    from shared.model.assets import AssetFacts
    from shared.runtime.telemetry import Telemetry
    from shared.transport.bus import Received
    from shared.transport.store import ObjectStore

_request = wire.decoder(PrepareAsset)


class AssetService:
    """PrepareAsset -> AssetPrepared | AssetRefused, a few at a time; the others wait."""

    def __init__(
        self, decoders: Decoders, store: ObjectStore, telemetry: Telemetry, work: Path, at_a_time: int
    ) -> None:
        """work: folder for the files of those that are under way."""
        self._decoders, self._store, self._telemetry, self._work = decoders, store, telemetry, work
        self._limits = decoders.limits
        self._turn = asyncio.Semaphore(at_a_time)

    async def prepare(self, received: Received) -> bytes:
        """Make the upload an asset. Whatever is in the way is said, so that nobody waits for an answer in vain."""
        request: PrepareAsset = wire.decode(received.body, _request)
        with self._telemetry.span("prepare asset", received.headers, "consumer"):
            try:
                async with self._turn:
                    return wire.encode(AssetPrepared(facts=await self._prepared(request)))
            except Rejected as error:
                return wire.encode(AssetRefused(problem=Problem(error.code, error.detail)))
            except VisavisError as error:
                log.warning("asset failed", detail=str(error))
                return wire.encode(AssetRefused(problem=Problem("unavailable", str(error))))

    async def _prepared(self, request: PrepareAsset) -> AssetFacts:
        with TemporaryDirectory(dir=self._work, prefix="asset-") as folder:
            source, target = Path(folder) / "source", Path(folder) / "prepared"
            await self._fetch(request.upload, source)
            prepared = await self._read(source, target)
            facts = prepared.facts(request.asset)
            await self._store.put(asset_key(request.asset), target)
        await self._store.put(facts_key(request.asset), msgspec.json.encode(facts))
        return facts

    async def _fetch(self, upload: str, source: Path) -> None:
        most = self._limits.max_asset_bytes
        if await self._store.size(upload) > most:
            raise Rejected("too-large", f"The file has more than {most} bytes (max_asset_bytes).")
        await self._store.download(upload, source)

    async def _read(self, source: Path, target: Path) -> Prepared:
        task = ReadAsset(str(source), str(target))
        for death in range(1, DECODER_DEATHS + 1):
            try:
                await self._decoders.read_asset(task)
                return await asyncio.to_thread(_checked, target, self._limits)
            except DecoderDied as error:
                log.warning("decoder died", detail=str(error), of_an_asset=death)
        raise Rejected("damaged-media", f"The file ended {DECODER_DEATHS} processes that tried to read it.")


def _checked(target: Path, limits: IngestLimits) -> Prepared:
    """What a decoder has written, checked as if it were the enemy's. Raises DecoderDied."""
    try:
        if target.stat().st_size > limits.most_prepared_bytes:
            raise DecoderDied("The decoder wrote more than it may.")
        prepared = unpack(target.read_bytes())
    except (OSError, Malformed) as error:
        raise DecoderDied("The decoder wrote no prepared asset.") from error
    if not _is_within(prepared, limits):
        raise DecoderDied("The decoder prepared an asset that it should have refused.")
    return prepared


def _is_within(prepared: Prepared, limits: IngestLimits) -> bool:
    if not isinstance(prepared, PreparedPicture):
        return prepared.size <= limits.max_lut_size
    pixels, frames = prepared.width * prepared.height, len(prepared.frames)
    return (
        pixels <= limits.max_asset_pixels
        and frames <= limits.max_asset_frames
        and pixels * frames <= limits.max_asset_total_pixels
    )
