from __future__ import annotations

import asyncio

import pytest

from shared.model.offers import ModelOffer, Role
from shared.model.own_effects import EffectOffer
from shared.model.sessions import WorkerReported
from shared.runtime import presence
from shared.runtime.presence import NOT_ALL_THERE, SILENT, Presence, report
from shared.testing import MemoryBus

OFFERS = (ModelOffer("blazeface", Role.DETECTOR, 6, is_default=True),)


def worker(
    service: str, lane: str = "a", name: str = "1", room: int = 1, models: tuple[ModelOffer, ...] = ()
) -> WorkerReported:
    return WorkerReported(lane=lane, service=service, worker=name, room=room, models=models)


def test_a_lane_is_warm_when_each_service_is_there() -> None:
    heard = Presence()
    for service in ("ingest", "detect"):
        heard.note(worker(service))
    heard.note(worker("render", lane="b"))
    assert heard.warm_lanes() == set()
    heard.note(worker("render"))
    assert heard.warm_lanes() == {"a"}


def test_a_lane_that_was_told_to_end_is_not_warm() -> None:
    heard = Presence()
    for service in ("ingest", "detect", "render"):
        heard.note(worker(service))
    assert heard.warm_lanes() == {"a"}
    heard.note(WorkerReported(lane="a", service="ingest", worker="1", room=0, draining=True))
    assert (heard.warm_lanes(), len(heard.workers())) == (set(), 3)


def test_models_are_offered_by_the_detect_workers_of_warm_lanes() -> None:
    heard = Presence()
    heard.note(worker("detect", lane="cold", models=(ModelOffer("yunet", Role.DETECTOR, 5),)))
    for service in ("ingest", "render"):
        heard.note(worker(service))
    assert heard.offers() == []
    for name in ("1", "2"):
        heard.note(worker("detect", name=name, models=OFFERS))
    assert heard.offers() == [OFFERS]


def test_effects_are_those_of_the_render_workers_of_warm_lanes_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    glow, freckles, cold = (EffectOffer(name, "It does.", ()) for name in ("glow", "freckles", "cold"))
    heard = Presence()
    heard.note(WorkerReported(lane="cold", service="render", worker="1", room=1, effects=(cold,)))
    assert heard.effects() == ()
    for service in ("ingest", "detect"):
        heard.note(worker(service))
    for name, effects in (("1", (glow,)), ("2", (glow, freckles))):
        heard.note(WorkerReported(lane="a", service="render", worker=name, room=1, effects=effects))
    assert heard.effects() == (freckles, glow)
    monkeypatch.setattr(presence, "GONE_AFTER_SECONDS", -1.0)
    assert heard.warm_lanes() == set()
    assert heard.effects() == (freckles, glow), "a lane that is gone for a moment keeps its effects"


def test_the_newest_report_of_a_worker_counts() -> None:
    heard = Presence()
    heard.note(worker("render", room=3))
    heard.note(worker("render", room=2))
    heard.note(worker("render", name="2", room=1))
    assert sorted(one.room for one in heard.workers()) == [1, 2]


def test_who_says_nothing_any_more_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Presence()
    heard.note(worker("render"))
    monkeypatch.setattr(presence, "GONE_AFTER_SECONDS", -1.0)
    assert heard.workers() == []


async def test_reports_are_heard_over_the_bus_although_one_was_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "EVERY_SECONDS", 0.01)
    bus, heard = MemoryBus(), Presence()
    bus.down = True
    reporting = asyncio.create_task(report(bus, lambda: worker("ingest")))
    await asyncio.sleep(0.05)
    bus.down = False
    following = asyncio.create_task(heard.follow(bus))
    async with asyncio.timeout(5):
        while not heard.workers():  # noqa: ASYNC110  -- nothing announces what is waited for
            await asyncio.sleep(0.01)
    for task in (reporting, following):
        assert not task.done()
        task.cancel()


async def test_what_is_no_report_does_not_end_the_listening() -> None:
    bus, heard = MemoryBus(), Presence()
    following = asyncio.create_task(heard.follow(bus))
    await asyncio.sleep(0.01)
    await bus.send(WorkerReported.SUBJECT, b"nonsense")
    await asyncio.sleep(0.01)
    assert not following.done()
    following.cancel()


def test_a_lane_encodes_on_its_card_what_all_of_its_renders_do() -> None:
    heard = Presence()
    assert heard.nvenc("a") == ((), "")
    for name, codecs, reason in (("1", ("h264", "hevc"), ""), ("2", ("hevc",), "No H.264.")):
        heard.note(WorkerReported(lane="a", service="render", worker=name, room=1, nvenc=codecs, why_not_nvenc=reason))
    assert heard.nvenc("a") == (("hevc",), "No H.264.")
    heard.note(WorkerReported(lane="c", service="render", worker="1", room=1))  # of the version before
    assert heard.nvenc("c") == ((), SILENT)
    heard.note(WorkerReported(lane="c", service="render", worker="0", room=1, nvenc=("h264", "hevc", "av1")))
    assert heard.nvenc("c") == ((), SILENT)
    assert heard.nvenc("b") == ((), "")


def test_frames_lie_on_a_card_if_ingest_has_a_pool_there_and_all_others_read_it() -> None:
    heard = Presence()

    def note(service: str, name: str, why_not: str = "") -> None:
        report = WorkerReported(
            lane="a", service=service, worker=name, room=1, on_card=not why_not, why_not_on_card=why_not
        )
        heard.note(report)

    note("ingest", "1")
    note("detect", "1")
    assert heard.why_not_on_card("a") == NOT_ALL_THERE
    note("render", "1")
    assert heard.why_not_on_card("a") == ""
    note("render", "2", "It has none.")
    assert heard.why_not_on_card("a") == "It has none."
    note("ingest", "1", "There is no card.")
    assert heard.why_not_on_card("a") == "There is no card."
    assert heard.why_not_on_card("b") == NOT_ALL_THERE
