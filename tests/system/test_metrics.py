"""What services say of themselves: every metric of the list, with data, and none beside it."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from shared.runtime import instruments
from shared.runtime.instruments import INSTRUMENTS, Instrument
from tests.scrapes import PATIENCE_SECONDS, scraped
from tests.system.live_clips import coded
from visavis.client import Client, ProblemError
from visavis.live import LiveStream
from visavis.v1 import streams_pb2

if TYPE_CHECKING:
    from pathlib import Path

    from prometheus_client import Metric

    from visavis.stack import Stack

ELSEWHERE = {
    *(instruments.FETCHED, instruments.VIDEOS_DECODED),  # lanes on a card
    *(instruments.CARD_USE, instruments.CARD_DECODER_USE, instruments.CARD_MEMORY),
    *(instruments.OWN_EFFECT, instruments.OWN_EFFECT_FAULTS),  # deployments with effects of their own
}
"""Not measured by a lane without a card and without others' effects: there it is an error if they are."""
FRAMES = 6


def families(stack: Stack) -> dict[str, list[Metric]]:
    """What each service of a stack serves."""
    texts = {name: scraped(stack.metrics(name)) for name in stack.services}
    return {name: list(text_string_to_metric_families(text)) for name, text in texts.items()}


async def stream(stack: Stack, portrait: bytes) -> None:
    """Some live frames, each when the one before is back."""
    asked = streams_pb2.StreamInput(codec=streams_pb2.CODEC_H264, width=640, height=360, rate=10)
    settings = streams_pb2.StreamSettings(input=asked, look_name="none", max_delay_ms=20_000)
    async with asyncio.timeout(PATIENCE_SECONDS), LiveStream(stack.grpc, settings) as live:
        messages = aiter(live)
        for packet in coded(portrait, FRAMES):
            await live.send(packet.pts, packet.data, key=packet.key)
            while not (await anext(messages)).HasField("frame"):
                pass
        await live.end()
        async for _ in messages:
            pass


@pytest.fixture(scope="module")
def measured(stack: Stack, portrait: bytes, clip: Path) -> dict[str, list[Metric]]:
    """By service, after a picture, a job and a live stream."""
    assert httpx.post(f"{stack.rest}/v1/images", content=portrait, timeout=PATIENCE_SECONDS).status_code == 200
    asyncio.run(stream(stack, portrait))
    with Client(stack.rest) as client:
        job = client.submit_job(clip, look="natural", want="picture")
        for newer in client.events(job["id"]):
            job = newer
    assert job["state"] == "done"
    end = time.monotonic() + PATIENCE_SECONDS
    while missing(found := families(stack)) and time.monotonic() < end:
        time.sleep(0.2)  # what is looked at now and then
    return found


def missing(found: dict[str, list[Metric]]) -> set[Instrument]:
    there = {family.name for of_service in found.values() for family in of_service if family.samples}
    return {one for one in INSTRUMENTS if one.family not in there} - ELSEWHERE


def test_every_metric_of_the_list_is_there_and_no_other(measured: dict[str, list[Metric]]) -> None:
    assert not missing(measured)
    listed = {one.family: one for one in INSTRUMENTS if one not in ELSEWHERE}
    assert not {family.name for of_service in measured.values() for family in of_service} - listed.keys()
    for family in (family for of_service in measured.values() for family in of_service):
        assert (family.documentation, family.unit) == (listed[family.name].description, listed[family.name].suffix)


def test_every_series_says_whose_it_is_and_nothing_that_is_not_listed(
    stack: Stack, measured: dict[str, list[Metric]]
) -> None:
    listed = {one.family: {name.replace(".", "_") for name in one.attributes} for one in INSTRUMENTS}
    for name, of_service in measured.items():
        for family in of_service:
            found = [sample.labels for sample in family.samples]
            assert {(one["service"], one["lane"]) for one in found} == {(name, stack.lane)}
            assert all(one.keys() - {"le"} == {"service", "lane", "worker"} | listed[family.name] for one in found)


def test_what_was_done_is_what_was_counted(measured: dict[str, list[Metric]]) -> None:
    def total(service: str, sample: str, **labels: str) -> float:
        found = (one for family in measured[service] for one in family.samples if one.name == sample)
        return sum(one.value for one in found if labels.items() <= one.labels.items())

    delivered = {"outcome": "delivered", "reason": "", "where": ""}
    assert total("gateway", "visavis_frames_total", kind="still", **delivered) >= 1
    assert total("gateway", "visavis_frames_total", kind="live", **delivered) >= FRAMES
    assert total("render", "visavis_frames_total", kind="job", **delivered) >= 48
    assert total("gateway", "visavis_delivery_budget_ratio_count") >= FRAMES
    for hop in ("ingest", "detect", "render"):
        assert total(hop, "visavis_hop_worked_seconds_count", hop=hop) >= 48 + FRAMES + 1
    assert total("detect", "visavis_inference_batch_size_sum", provider="cpu") > 0
    assert total("ingest", "visavis_transport", transport="shared-memory") == 1
    codecs = {one.labels.get("codec") for family in measured["render"] for one in family.samples}
    assert codecs >= {"h264", "jpeg"}


def test_a_slow_bucket_leads_to_its_trace(stack: Stack, client: Client, portrait: bytes) -> None:
    answer = httpx.post(f"{stack.rest}/v1/images", content=portrait, timeout=PATIENCE_SECONDS)
    trace = answer.headers["x-visavis-trace-id"]
    for name in stack.services:
        assert f'trace_id="{trace}"' in scraped(stack.metrics(name)), name
    assert _is_known(client, trace)


def _is_known(client: Client, trace: str) -> bool:
    """Whether the gateway comes to know it: spans come about a second late."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        with suppress(ProblemError):
            return bool(client.trace(trace))
        time.sleep(0.2)
    return False


@pytest.mark.parametrize("service", ["ingest", "detect", "render"])
def test_each_service_of_a_lane_says_that_it_lives_and_is_ready(stack: Stack, service: str) -> None:
    served = stack.metrics(service).removesuffix("/metrics")
    answers = [httpx.get(f"{served}{path}", timeout=PATIENCE_SECONDS) for path in ("/livez", "/readyz")]
    assert [answer.status_code for answer in answers] == [200, 200]
