"""Who is there: warm workers say so again and again, whoever needs them listens."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from shared.model.errors import Malformed, Unavailable
from shared.model.sessions import WorkerReported
from shared.runtime.logs import log
from shared.transport import wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.model.offers import ModelOffer
    from shared.model.own_effects import EffectOffer
    from shared.transport.bus import Bus

EVERY_SECONDS = 0.5
GONE_AFTER_SECONDS = 2.5
LANE_SERVICES = frozenset({"ingest", "detect", "render"})
SILENT = "A service of the lane does not say."
"""One of the version before, of what is newer."""
NOT_ALL_THERE = "Not all services of the lane are there."


async def report(bus: Bus, say: Callable[[], WorkerReported]) -> None:
    """Say that this worker is there, until cancelled."""
    while True:
        with suppress(Unavailable):  # the next report says it
            await bus.send(WorkerReported.SUBJECT, wire.encode(say()))
        await asyncio.sleep(EVERY_SECONDS)


class Presence:
    """What was heard of the workers lately."""

    def __init__(self) -> None:
        self._heard: dict[tuple[str, str, str], tuple[float, WorkerReported]] = {}
        self._effects: tuple[EffectOffer, ...] = ()

    async def follow(self, bus: Bus) -> None:
        """Listen to the reports, until cancelled."""
        decoder = wire.decoder(WorkerReported)
        async with bus.listen(WorkerReported.SUBJECT) as reports:
            async for received in reports:
                try:
                    self.note(wire.decode(received.body, decoder))
                except Malformed as error:  # a worker of another version must not hide the others
                    log.warning("a report cannot be read", detail=str(error))

    def note(self, report: WorkerReported) -> None:
        """Remember a report."""
        self._heard[report.lane, report.service, report.worker] = (time.monotonic(), report)

    def workers(self) -> list[WorkerReported]:
        """Those that were heard of in the last seconds."""
        since = time.monotonic() - GONE_AFTER_SECONDS
        self._heard = {key: heard for key, heard in self._heard.items() if heard[0] >= since}
        return [report for _, report in self._heard.values()]

    def warm_lanes(self) -> set[str]:
        """Lanes in which each of ingest, detect and render is warm, and was not told to end."""
        services: dict[str, set[str]] = {}
        for worker in self.workers():
            if worker.draining:
                continue
            services.setdefault(worker.lane, set()).add(worker.service)
        return {lane for lane, found in services.items() if found >= LANE_SERVICES}

    def why_not_on_card(self, lane: str) -> str:
        """Why frames of a lane cannot lie on its card, in a sentence; empty if they can: its ingest has a pool there,
        and all of its detects and renders read it."""
        of_lane = [one for one in self.workers() if one.lane == lane and one.service in LANE_SERVICES]
        if {one.service for one in of_lane} < LANE_SERVICES:
            return NOT_ALL_THERE
        reasons = {one.service: one.why_not_on_card or SILENT for one in of_lane if not one.on_card}
        return next((reasons[one] for one in ("ingest", "detect", "render") if one in reasons), "")

    def nvenc(self, lane: str) -> tuple[tuple[str, ...], str]:
        """Codecs in which the card of a lane encodes, in all of its renders; and in a sentence why not in others."""
        renders = [one for one in self.workers() if one.lane == lane and one.service == "render"]
        codecs = set(renders[0].nvenc if renders else ()).intersection(*(one.nvenc for one in renders))
        reasons = (one.why_not_nvenc or ("" if one.nvenc else SILENT) for one in renders)
        return tuple(sorted(codecs)), next(filter(None, reasons), "")

    def offers(self) -> list[tuple[ModelOffer, ...]]:
        """What each detect worker of a warm lane offers, every different offer once."""
        warm = self.warm_lanes()
        return list(dict.fromkeys(one.models for one in self.workers() if one.lane in warm and one.models))

    def effects(self) -> tuple[EffectOffer, ...]:
        """Effects of others that render workers of warm lanes have, by name; where no lane is warm, those known last.

        Of two that differ under one name one counts; the lane that has the other says so.
        """
        warm = self.warm_lanes()
        if warm:
            render = (one for one in self.workers() if one.lane in warm and one.service == "render")
            found = {offer.name: offer for one in render for offer in one.effects}
            self._effects = tuple(found[name] for name in sorted(found))
        return self._effects
