"""Start the ingest of one lane: it owns the frame pool."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from services.ingest import confinement
from services.ingest.assets import AssetService
from services.ingest.cuda.decoders import CardDecoders
from services.ingest.cuda.lane import CardLane
from services.ingest.decoders.making import Decoders
from services.ingest.jobs.ends import JobEnds
from services.ingest.jobs.plans import PlanService
from services.ingest.jobs.segments import SegmentService
from services.ingest.jobs.source_files import SourceFiles
from services.ingest.lane import Lane
from services.ingest.live.room import Room
from services.ingest.live.service import LiveService
from services.ingest.measuring import LaneMeasures, queues
from services.ingest.settings import IngestSettings
from services.ingest.stills import StillService
from shared.memory.host import HostPool
from shared.memory.segment import card_segment_path, segment_path
from shared.model.errors import Misconfigured, Unavailable
from shared.model.jobs import JobRequested, SegmentRequested
from shared.model.live import open_subject
from shared.model.obstacles import Obstacle, WhyNot
from shared.model.preparing import PrepareAsset
from shared.model.sessions import OpenSession, WorkerReported
from shared.runtime import backlog, cards, lifecycle
from shared.runtime.logs import log
from shared.runtime.presence import Presence, report
from shared.runtime.probes import probed
from shared.runtime.settings import card_environment
from shared.runtime.stage import Stage
from shared.transport.dispatching import Dispatcher
from shared.transport.ledger import JobLedger
from shared.transport.patient_store import PatientStore
from shared.transport.store import ObjectStore
from shared.transport.topology import plan_queue, segment_queue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from services.ingest.jobs.functions import FunctionCalls
    from shared.runtime.cards import LaneCard
    from shared.runtime.draining import Draining
    from shared.runtime.metrics import Metrics


async def run(settings: IngestSettings, draining: Draining) -> None:
    """Take segments and stills until cancelled, or until told to end and all is over that was begun."""
    shutil.rmtree(settings.ingest_work, ignore_errors=True)
    settings.ingest_work.mkdir(parents=True)
    async with AsyncExitStack() as stack:
        probes = await stack.enter_async_context(probed("ingest", settings))
        presence = Presence()
        lane, card = await _lane(settings, presence, probes.metrics, stack)
        store = ObjectStore.open(settings.store)
        planning, working = _jobs(settings, lane, PatientStore.of(store), stack)
        room = Room(settings.lane_cores or len(os.sched_getaffinity(0)))
        doors, stills, live = await _doors(settings, lane, store, room, stack)
        watching = cards.watching(settings, card)
        measures = LaneMeasures(probes.metrics, lane.pool.ledger, card, room)

        def say() -> WorkerReported:
            lane.pool.sweep()
            card.sweep()
            room.measure(one for one in presence.workers() if one.lane == settings.lane)
            measures.look(presence.why_not_on_card(settings.lane), str(settings.card_number), watching.use)
            return WorkerReported(
                lane=settings.lane,
                service="ingest",
                worker=settings.worker,
                room=0 if draining.is_wanted else stills.room,
                draining=draining.is_wanted,
                pixels_per_second=0.0 if draining.is_wanted else room.pixels_per_second,
                busy_seconds=time.process_time() + lane.busy_seconds,
                pixels=lane.told.pixels,
                live_pixels=lane.told.live_pixels,
                on_card=lane.card is not None,
                why_not_on_card=card.reason,
            )

        probes.why_not_ready = partial(_why_no_room, stills, room, draining)
        lifecycle.tell_ready(settings, metrics=probes.url)
        await lifecycle.together(
            planning.run(),
            working.run(settings.jobs),
            presence.follow(lane.bus),
            report(lane.bus, say),
            watching.run(),
            backlog.follow(lane.bus, probes.metrics, lambda: queues(settings.lane, presence.workers())),
            until=_drained(draining, doors, planning.stop, working.stop, live.drain, stills.finish),
        )


async def _doors(
    settings: IngestSettings, lane: Lane, store: ObjectStore, room: Room, stack: AsyncExitStack
) -> tuple[AsyncExitStack, StillService, LiveService]:
    """By which what is new comes in, but for jobs: once closed nothing does; and what has come in."""
    stills = StillService(lane, settings.stills, settings.limits.max_still_bytes)
    stack.push_async_callback(stills.close)
    live = LiveService(lane, room, settings.source_rules)
    stack.push_async_callback(live.close)
    assets = AssetService(lane.decoders, store, lane.telemetry, settings.ingest_work, settings.assets)
    doors = await stack.enter_async_context(AsyncExitStack())
    for subject, answer in (
        (open_subject(settings.lane), live.open),
        (PrepareAsset.SUBJECT, assets.prepare),
        (OpenSession.SUBJECT, stills.open),
    ):
        await doors.enter_async_context(lane.bus.answer(subject, "ingest", answer))
    return doors, stills, live


async def _drained(draining: Draining, doors: AsyncExitStack, *ending: Callable[[], Awaitable[None]]) -> None:
    """Until it was told to end, and all that has begun is over. doors: by which what is new comes in."""
    await draining.wanted()
    await lifecycle.together(doors.aclose(), *(end() for end in ending))
    await lifecycle.together(*(end() for end in ending))  # what came in while the doors were closing


def _why_no_room(stills: StillService, room: Room, draining: Draining) -> str:
    """A sentence; empty if there is room for a picture and for some live stream."""
    if draining.is_wanted:
        return "It was told to end."
    if stills.room <= 0:
        return "It has as many pictures under way as it may."
    return "" if room.pixels_per_second > 0 else "It has promised all that it can do to live streams."


async def _lane(
    settings: IngestSettings, presence: Presence, metrics: Metrics, stack: AsyncExitStack
) -> tuple[Lane, LaneCard]:
    """The lane with its frame pools and its decoders."""
    pool = HostPool.create(segment_path(settings.lane), settings.slot_classes)
    stack.callback(pool.close)
    card = await asyncio.to_thread(cards.make_pool, settings, settings.card_slot_classes)
    stack.callback(card.close)
    decoders = Decoders(pool.fd, settings.limits, settings.spare_decoders)
    stack.push_async_callback(decoders.close)
    await decoders.start()
    log.info("decoders ready", network=decoders.network)
    on_card, why_not = await _card_lane(settings, card, presence, metrics, stack)
    bus, telemetry = await stack.enter_async_context(lifecycle.connected("ingest", settings, metrics))
    most_slots = settings.small_slots * 3 // 4
    most_together, jobs = settings.frames_per_message, settings.jobs
    if on_card is None:  # what CUDA asks of a process whose memory others share was not tried with it
        confinement.keep_to_itself()
    lane = Lane(settings.lane, pool, decoders, bus, telemetry, most_together, most_slots, jobs, on_card)
    stack.push_async_callback(lane.close)
    return lane, replace(card, why_not=why_not)


async def _card_lane(
    settings: IngestSettings, card: LaneCard, presence: Presence, metrics: Metrics, stack: AsyncExitStack
) -> tuple[CardLane | None, WhyNot | None]:
    """What decodes into the card's pool; None, and why, where everything goes the host's way."""
    if card.pool is None or settings.card_number is None:
        return None, card.why_not
    path = card_segment_path(settings.lane)
    decoders = CardDecoders(path, settings.card_number, settings.limits, card_environment())
    stack.push_async_callback(decoders.close)
    try:
        await decoders.start()
    except (Misconfigured, Unavailable) as error:
        log.warning("the card does not decode", reason=str(error))
        return None, WhyNot(Obstacle.NO_DECODER, str(error))
    codecs = [one.codec for one in decoders.ranges]
    log.info("the card decodes", codecs=codecs, engines=decoders.engines, network=decoders.network)
    return CardLane(card.pool, decoders, metrics, lambda: presence.why_not_on_card(settings.lane)), None


def _jobs(
    settings: IngestSettings, lane: Lane, store: ObjectStore, stack: AsyncExitStack
) -> tuple[Stage[JobRequested], Stage[SegmentRequested]]:
    """What plans jobs, and what works on their segments."""
    ledger, dispatcher = JobLedger(store), Dispatcher(lane.bus, store)
    sources = SourceFiles(store, settings.ingest_work / "sources")
    stack.callback(sources.close)
    ends = JobEnds(lane.decoders, store, ledger, sources)
    plans = PlanService(lane, store, ledger, dispatcher, sources, ends, settings.segment_seconds)
    segments = SegmentService(lane, ledger, dispatcher, sources, ends, settings.ingest_work, _function(settings, stack))
    bus, telemetry = lane.bus, lane.telemetry
    planning: Stage[JobRequested] = Stage(bus, telemetry, plan_queue(), JobRequested, plans.plan)
    planning.bury = plans.bury
    working: Stage[SegmentRequested] = Stage(bus, telemetry, segment_queue(), SegmentRequested, segments.segment)
    working.bury = segments.bury
    return planning, working


def _function(settings: IngestSettings, stack: AsyncExitStack) -> FunctionCalls | None:
    """Who does segments instead of this lane, if somebody does."""
    if settings.executor == "lane":
        return None
    from services.ingest.jobs.functions import FunctionCalls  # noqa: PLC0415  -- its HTTP client is some MB, for these only

    made = FunctionCalls.of(settings)
    stack.push_async_callback(made.close)
    return made


if __name__ == "__main__":
    lifecycle.main("ingest", IngestSettings, run)
