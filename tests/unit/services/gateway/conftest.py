"""A gateway over the in-memory bus and a folder, and a lane whose answers a test decides."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
import msgspec
import numpy as np
import pytest
from pydantic import SecretStr

from services.gateway.access import ANYBODY, Access
from services.gateway.admission import Admission
from services.gateway.assets.desk import AssetDesk
from services.gateway.callbacks.calling import Caller
from services.gateway.callbacks.desk import CallbackDesk
from services.gateway.jobs.desk import JobDesk
from services.gateway.jobs.removal import JobRemoval
from services.gateway.live.desk import LiveDesk
from services.gateway.parts import Parts
from services.gateway.quotas import KeyQuota
from services.gateway.rest import app
from services.gateway.settings import GatewaySettings
from services.gateway.stills import StillClient
from services.gateway.streams.desk import StreamDesk
from services.gateway.traces.shelf import TraceShelf
from shared.model.faces import Face
from shared.model.hops import Hop
from shared.model.keys import Quotas
from shared.model.live import open_subject
from shared.model.media import MediaKind
from shared.model.offers import ModelOffer, Role
from shared.model.sessions import (
    CHUNK_BYTES,
    Chunk,
    OpenSession,
    SessionFailed,
    SessionOpened,
    SessionRefused,
    StillFinished,
    WorkerReported,
    live_in,
    live_out,
)
from shared.runtime.pasts import Pasts
from shared.runtime.presence import LANE_SERVICES, Presence
from shared.runtime.telemetry import Telemetry
from shared.testing import MemoryBus, MemoryContext
from shared.transport import wire
from shared.transport.keys import KeyRing
from shared.transport.ledger import JobLedger
from shared.transport.store import ObjectStore
from tests.unit.services.gateway.live_ends import LiveClient, LiveLane

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from shared.model.jobs import Problem
    from shared.transport.bus import Received

PATIENT_SECONDS = 20.0
"""As long as a machine may stand still."""
OFFERS = (
    ModelOffer("blazeface", Role.DETECTOR, 6, is_default=True),
    ModelOffer("scrfd-500m", Role.DETECTOR, 5),
    ModelOffer("face-mesh", Role.LANDMARKS, 468, is_default=True),
)
HOPS = (Hop("ingest", 0.5, 2.5), Hop("detect", 0.25, 9.0), Hop("render", 0.75, 4.0))


@dataclass
class Lane:
    """Takes stills and answers with `picture`, or as the test says."""

    bus: MemoryBus
    picture: bytes = b"\xff\xd8\xff retouched"
    faces: tuple[Face, ...] = ()
    refusals: int = 0
    """So many sessions are refused first."""
    silences: int = 0
    """So many sessions are taken first and never answered."""
    problem: Problem | None = None
    opened: list[OpenSession] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    async def open(self, received: Received) -> bytes:
        """OpenSession -> SessionOpened | SessionRefused."""
        if self.refusals:
            self.refusals -= 1
            return wire.encode(SessionRefused(retry_after_seconds=0.01))
        request = wire.decode(received.body, wire.decoder(OpenSession))
        self.opened.append(request)
        self.headers.append(dict(received.headers))
        if self.silences:
            self.silences -= 1
        else:
            stack = AsyncExitStack()
            chunks = await stack.enter_async_context(self.bus.listen(live_in(request.session)))
            self.tasks.append(asyncio.create_task(self._work(request, chunks, stack, dict(received.headers))))
        return wire.encode(SessionOpened(lane="test"))

    async def _work(
        self, request: OpenSession, chunks: AsyncIterator[Received], stack: AsyncExitStack, headers: dict[str, str]
    ) -> None:
        body, complete = request.body, request.complete
        while not complete:
            chunk = wire.decode((await anext(chunks)).body, wire.decoder(Chunk))
            body, complete = body + chunk.body, chunk.last
        await stack.aclose()
        self.bodies.append(body)
        for message in self._answers(request):
            await self.bus.send(live_out(request.session), wire.encode(message), headers)

    def _answers(self, request: OpenSession) -> Iterator[SessionFailed | StillFinished | Chunk]:
        if self.problem is not None:
            yield SessionFailed(problem=self.problem)
            return
        kind = None if request.want == "faces" else request.reply_kind or MediaKind.JPEG
        yield StillFinished(width=64, height=48, faces=self.faces, hops=HOPS, kind=kind)
        for start in range(0, len(self.picture) if kind else 0, CHUNK_BYTES):
            end = start + CHUNK_BYTES
            yield Chunk(body=self.picture[start:end], last=end >= len(self.picture))


@pytest.fixture(autouse=True)
def _anybody_anew() -> None:
    """Who comes where no keys are asked for has had nothing yet, whatever tests before have asked for."""
    object.__setattr__(ANYBODY, "quota", KeyQuota(Quotas()))


@pytest.fixture
def bus() -> MemoryBus:
    return MemoryBus()


@pytest.fixture
async def lane(bus: MemoryBus, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Lane]:
    monkeypatch.setattr("services.gateway.stills.OPEN_SECONDS", PATIENT_SECONDS)
    found = Lane(bus)
    async with bus.answer(OpenSession.SUBJECT, "ingest", found.open):
        yield found
    for task in found.tasks:
        task.cancel()


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore.open((tmp_path / "objects").as_uri())


@pytest.fixture
def settings(tmp_path: Path) -> GatewaySettings:
    return GatewaySettings(
        var=tmp_path,
        max_upload_bytes=300_000,
        max_image_bytes=2_000_000,
        max_asset_bytes=100_000,
        max_live_packet_bytes=2_000_000,
        asset_deadline_seconds=5,
        still_deadline_seconds=5,
        keep_alive_seconds=0.1,
        callback_secret=SecretStr("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    )


@pytest.fixture
def spans() -> list[bytes]:
    """What telemetry has sent."""
    return []


@pytest.fixture
def telemetry(settings: GatewaySettings, spans: list[bytes]) -> Iterator[Telemetry]:
    found = Telemetry("gateway", settings, spans.append)
    yield found
    found.close()


@pytest.fixture
def contexts() -> MemoryContext:
    """Where the pasts of streams are kept."""
    return MemoryContext()


@pytest.fixture
def parts(
    bus: MemoryBus, store: ObjectStore, settings: GatewaySettings, telemetry: Telemetry, contexts: MemoryContext
) -> Parts:
    presence, ledger, rules = Presence(), JobLedger(store), settings.callbacks
    assets = AssetDesk(bus, store, telemetry, settings.asset_deadline_seconds)
    admission = Admission(presence, assets)
    live = LiveDesk(bus, telemetry, admission, Pasts(contexts), settings)
    return Parts(
        settings=settings,
        telemetry=telemetry,
        presence=presence,
        stills=StillClient(bus, telemetry, settings.max_stills, settings.still_deadline_seconds),
        jobs=JobDesk(bus, store, ledger, telemetry, admission, rules),
        removal=JobRemoval(bus, store, Pasts(contexts)),
        traces=TraceShelf(settings.trace_count, settings.trace_spans),
        assets=assets,
        callbacks=CallbackDesk(store, ledger, rules, Caller(rules)),
        admission=admission,
        live=live,
        streams=StreamDesk(live, store),
        access=Access(KeyRing(store), asked=False, cache_seconds=settings.key_seconds),
    )


@pytest.fixture
def ring(store: ObjectStore) -> KeyRing:
    """The keys of this deployment."""
    return KeyRing(store)


@pytest.fixture
def asking(parts: Parts, ring: KeyRing) -> Parts:
    """The parts of a gateway that asks for keys."""
    object.__setattr__(parts, "access", Access(ring, asked=True, cache_seconds=0.1))
    return parts


@pytest.fixture
async def client(parts: Parts) -> AsyncIterator[httpx.AsyncClient]:
    """Speaks to the app without a socket."""
    transport = httpx.ASGITransport(app.build(parts), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as found:
        yield found


def warm_up(parts: Parts, lane: str, pixels_per_second: float = 0.0) -> None:
    """Have a lane say that it is there, and what its detect offers."""
    for service in sorted(LANE_SERVICES):
        report = WorkerReported(lane=lane, service=service, worker="1", room=1)
        if service == "detect":
            report = msgspec.structs.replace(report, models=OFFERS)
        if service == "ingest":
            report = msgspec.structs.replace(report, pixels_per_second=pixels_per_second)
        parts.presence.note(report)


@pytest.fixture
def warm(parts: Parts) -> None:
    """A lane has said that it is there, and what its detect offers."""
    warm_up(parts, "test")


@pytest.fixture
async def live_lane(bus: MemoryBus, parts: Parts, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LiveLane]:
    """A warm lane that takes live sessions, and is waited for patiently."""
    monkeypatch.setattr("services.gateway.live.lane.OPEN_SECONDS", PATIENT_SECONDS)
    found = LiveLane(bus)
    warm_up(parts, found.name)
    async with bus.answer(open_subject(found.name), "ingest", found.open):
        yield found
    await found.close()


@pytest.fixture
async def live_client(parts: Parts) -> AsyncIterator[LiveClient]:
    """Who has a stream in that lane."""
    found = LiveClient(parts)
    yield found
    await found.close()


@pytest.fixture
def face() -> Face:
    points = np.random.default_rng(1).uniform(10, 40, (468, 3)).astype(np.float32)
    return Face.of(points, 0.9).known_as(1)
