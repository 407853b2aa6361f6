"""Requests choose their models among those that detect has; what nobody has is refused, wherever it comes to light."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from services.gateway.stills import StillClient, StillRequest
from shared.model.errors import Rejected
from shared.model.jobs import JobRecord, JobRequested, JobState, Want, source_key
from shared.model.looks import Look
from shared.model.media import MediaKind
from shared.model.offers import ModelChoice
from shared.runtime.settings import ServiceSettings
from shared.runtime.telemetry import Telemetry
from shared.transport import wire
from shared.transport.ledger import JobLedger
from shared.transport.nats_bus import NatsBus
from shared.transport.store import ObjectStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from visavis.client import Client
    from visavis.stack import Stack

PATIENCE_SECONDS = 8
NOBODY = ModelChoice(detector="nobody")


@pytest.mark.parametrize("path", ["/v1/images", "/v1/analyses", "/v1/jobs"])
def test_a_detector_that_is_not_there_is_answered_with_those_that_are(
    stack: Stack, client: Client, portrait: bytes, clip: Path, path: str
) -> None:
    names = [offer["name"] for offer in client.models() if offer["role"] == "detector"]
    body = clip.read_bytes() if path == "/v1/jobs" else portrait
    answer = httpx.post(f"{stack.rest}{path}", files={"file": body}, data={"detector": "nobody"})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "unknown-model")
    assert problem["detail"] == f"There is no detector 'nobody'; there are: {', '.join(names)}."
    assert "blazeface" in names


def test_models_that_are_named_find_the_same_faces_as_the_default(client: Client, portrait: bytes) -> None:
    default = {offer["role"]: offer["name"] for offer in client.models() if offer["default"]}
    named = client.analyze_image(portrait, detector=default["detector"], landmarks=default["landmarks"])
    assert named == client.analyze_image(portrait)
    assert len(named["faces"]) == 1


async def test_a_picture_whose_models_the_lane_lacks_is_refused_long_before_its_deadline(
    stack: Stack, portrait: bytes
) -> None:
    """As if lanes differ in their models, and the gateway could not know."""
    started = time.monotonic()
    async with _desk(stack) as (bus, telemetry):
        stills = StillClient(bus, telemetry, 1, 30)
        with pytest.raises(Rejected, match=r"there are: .*blazeface") as rejected:
            await stills.ask(StillRequest(portrait, Want.FACES, Look(), models=NOBODY))
    assert rejected.value.code == "unknown-model"
    assert time.monotonic() - started < PATIENCE_SECONDS


async def test_a_job_whose_models_the_lane_lacks_fails_at_its_first_try(
    stack: Stack, client: Client, clip: Path
) -> None:
    job = "modelless" + "0" * 11
    asked: dict[str, Any] = {"want": Want.FACES, "look": Look(), "models": NOBODY}
    record = JobRecord(
        id=job, state=JobState.ACCEPTED, source_kind=MediaKind.MATROSKA, created_unix_seconds=time.time(), **asked
    )
    store = ObjectStore.open(ServiceSettings(var=stack.logs.parent).store)
    async with _desk(stack) as (bus, telemetry):
        await store.put(source_key(job), clip)
        await JobLedger(store).open_entry(record)
        message = JobRequested(job=job)
        await bus.publish(message.subject, wire.encode(message), telemetry.headers())
    *_, last = client.events(job)
    assert (last["state"], last["attempt"], last["problem"]["code"]) == ("failed", 1, "unknown-model")


@asynccontextmanager
async def _desk(stack: Stack) -> AsyncIterator[tuple[NatsBus, Telemetry]]:
    """What a gateway of the stack would speak with."""
    telemetry = Telemetry("gateway", ServiceSettings(var=stack.logs.parent), lambda _: None)
    bus = await NatsBus.connect(stack.nats_url, "test")
    try:
        yield bus, telemetry
    finally:
        await bus.close()
        telemetry.close()
