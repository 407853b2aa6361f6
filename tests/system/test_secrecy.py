"""Nothing private is told: not by logs, spans or metrics, and by the bus only where the work needs it.

One stack does everything once, with secrets planted wherever a client or an operator can put one, and is heard.
"""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import numpy as np
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from shared.memory.segment import card_segment_path, segment_path
from shared.model.frames import FacesDetected, ForRender
from shared.model.keys import Quotas, Scope
from shared.transport import wire
from shared.transport.keys import KeyRing
from shared.transport.store import ObjectStore
from tests.collecting import Collector, collecting
from tests.scrapes import OPEN_METRICS
from tests.system.eavesdropping import (
    Overheard,
    Said,
    hits,
    outside,
    said_to,
    spellings,
    spellings_of_landmarks,
)
from tests.system.live_clips import coded
from tests.system.watching import wait_until
from tests.web import Web, serving
from visavis.client import Client
from visavis.live import LiveStream
from visavis.stack import SERVICES, Stack, StackOptions
from visavis.v1 import streams_pb2

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.timeout(300)
WEBHOOK_SECRET = "whsec_" + "UGxhbnRlZFdlYmhvb2tTZWNyZXRPZlZpc2F2aXM9"
FRAMES = 20
FACES_LOOKED_FOR = 4
"""Of a stream, and of all that went from detect to render."""

MAY = {
    "landmarks": ("lane.*.render.*", "live.*.out", "$KV.context.*"),
    "address of a source": ("lane.*.open",),
    "address of a push": ("lane.*.open", "lane.*.begin"),
}
"""What the bus carries because the work needs it, by subject: faces from detect to render, from there to who asked, and
with the past of a session; an address from the gateway to ingest, which connects to it, and on to render, which pushes
there. A stream that has such a subject keeps it, too."""
IN_OTHER_NUMBERS = {"$KV.context.*"}
"""There faces are kept as place and shape: none of the landmarks' own numbers."""


ENVIRONMENT = {
    "VISAVIS_KEYS": "always", "VISAVIS_LOG_LEVEL": "debug", "VISAVIS_CALLBACK_SECRET": WEBHOOK_SECRET,
    "VISAVIS_CALLBACK_NETWORKS": "127.0.0.0/8", "VISAVIS_SOURCE_NETWORKS": "127.0.0.0/8",
    "VISAVIS_PUSH_NETWORKS": "127.0.0.0/8",
}  # fmt: skip


@dataclass
class Told:
    """One run."""

    places: set[str]
    found: dict[str, set[str]]
    """By what was planted, the places where it was found."""
    job: dict[str, Any]
    stream: str
    logs: dict[str, str]
    collector: Collector


class Affairs:
    """What a client does, with something private in each of it."""

    def __init__(self, stack: Stack, var: Path, web: Web, planted: dict[str, str]) -> None:
        self._stack, self._web, self._planted = stack, web, planted
        ring = KeyRing(ObjectStore.open((var / "objects").as_uri()))
        self.key = asyncio.run(ring.add("shop", list(Scope), Quotas()))
        planted |= {"an API key": self.key.split("_")[2], "a key that is none": "PlantedKeyThatNobodyHas"}
        self.landmarks: list[np.ndarray] = []
        """Of the faces that answers told of."""

    def pictures(self, client: Client, portrait: bytes) -> None:
        """One that is drawn, one that is looked at, and some that are refused."""
        client.process_image(portrait, {"smooth": 0.5})
        faces = client.analyze_image(portrait)["faces"]
        self.landmarks += [np.array(face["landmarks"]) for face in faces]
        self._planted["a path that is none"] = "PlantedPathThatIsNone"
        self._planted["a query that is none"] = "PlantedQueryThatIsNone"
        self._planted["words in a broken look"] = "planted_words_in_a_look"
        headers = {"Authorization": f"Bearer vsv_{'a' * 8}_{self._planted['a key that is none']}"}
        with httpx.Client(base_url=self._stack.rest, trust_env=False, timeout=60) as http:
            assert http.get("/v1/models", headers=headers).status_code == 401
            http.headers["authorization"] = f"Bearer {self.key}"
            query = {"token": self._planted["a query that is none"]}
            assert http.get(f"/v1/{self._planted['a path that is none']}", params=query).status_code == 404
            broken = {"look": json.dumps({self._planted["words in a broken look"]: 1})}
            assert http.post("/v1/images", params=broken, content=portrait).status_code == 422

    def job(self, client: Client, clip: Path) -> dict[str, Any]:
        """One whose receiver is called back at an address with a token."""
        self._planted["token of a receiver"] = "PlantedTokenOfAReceiver"
        address = self._web.url(f"/hook?token={self._planted['token of a receiver']}")
        job = client.submit_job(clip, want="faces", callback=address)
        for newer in client.events(job["id"]):
            job = newer
        assert job["state"] == "done"
        wait_until(lambda: self._web.posted, "the receiver is told")
        wait_until(lambda: client.job(job["id"])["callback"]["state"] == "delivered", "it is noted")
        return job

    async def live(self, portrait: bytes) -> None:
        """A stream, and the one that goes on with it by its token."""
        shape = streams_pb2.StreamInput(codec=streams_pb2.CODEC_H264, width=640, height=360, rate=10)
        token = ""
        for part in range(2):
            settings = streams_pb2.StreamSettings(
                input=shape, look_name="none", max_delay_ms=20_000, want_faces=True, resume_token=token
            )
            async with asyncio.timeout(60), LiveStream(self._stack.grpc, settings, self.key) as stream:
                token = self._planted["a resume token"] = stream.opened.resume_token
                for packet in coded(portrait, FRAMES):
                    await stream.send(packet.pts + part * FRAMES * 3000, packet.data, key=packet.key)
                    await asyncio.sleep(0.05)
                await stream.end()
                faces = [face async for message in stream for face in message.frame.faces]
                assert len(faces) >= FRAMES // 2
                chosen = faces[:: len(faces) // FACES_LOOKED_FOR]
                self.landmarks += [np.array(face.landmarks).reshape(-1, 3) for face in chosen]

    def fetched(self, client: Client, clip: Path) -> str:
        """A stream from an address with a password and a key, pushed to one with a name that is a key."""
        planted = {"address of a source": "PlantedKeyOfASource", "address of a push": "PlantedNameOfAPush"}
        self._planted |= planted
        path = f"/clip.mkv?key={planted['address of a source']}"
        self._web.files[path] = clip.read_bytes()
        outputs = [{"record": {}}, {"rtmp": f"rtmp://127.0.0.1:9/live/{planted['address of a push']}"}]
        stream: str = client.begin_stream(self._web.url(path), outputs, max_delay_ms=20_000)["id"]
        wait_until(lambda: client.stream(stream)["state"] in {"ended", "failed"}, "the stream is over")
        return stream


@pytest.fixture(scope="module")
def told(models: Path, portrait: bytes, clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """What was told while pictures, a job, a live stream and a fetched one were done, and some were refused."""
    var = tmp_path_factory.mktemp("var")
    planted = {"secret of calls back": WEBHOOK_SECRET.removeprefix("whsec_")}
    with serving() as web, collecting() as collector:
        environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, **ENVIRONMENT}
        with Stack(StackOptions(var=var, models=models, environment=environment, metrics=True)) as stack:
            affairs = Affairs(stack, var, web, planted)
            with Overheard(stack.nats_url) as bus, Client(stack.rest, key=affairs.key) as client:
                affairs.pictures(client, portrait)
                job = affairs.job(client, clip)
                asyncio.run(affairs.live(portrait))
                stream = affairs.fetched(client, clip)
                pages = [Said(f"metrics {name}", metrics_of(stack, name, affairs.key)) for name in SERVICES]
            pools = {path.name.encode() for path in (segment_path(stack.lane), card_segment_path(stack.lane))}
    logs = {path.stem: path.read_text() for path in sorted((var / "log").glob("*.log"))}
    said = [*bus.said, *said_to(collector), *pages]
    said += [Said(f"log {name}", text.encode()) for name, text in logs.items()]
    forms = {name: spellings(secret.encode()) for name, secret in planted.items()} | {"name of a frame pool": pools}
    forms["landmarks"] = set[bytes]().union(*map(spellings_of_landmarks, [*affairs.landmarks, *detected(bus.said)]))
    return Told({one.place for one in said}, hits(said, forms), job, stream, logs, collector)


def metrics_of(stack: Stack, name: str, key: str) -> bytes:
    """What Prometheus would get of a service, exemplars too."""
    headers = {"Authorization": f"Bearer {key}", "Accept": OPEN_METRICS}
    return httpx.get(stack.metrics(name), headers=headers, trust_env=False, timeout=60).raise_for_status().content


def detected(said: list[Said]) -> list[np.ndarray]:
    """The landmarks of one face in each of some messages from detect to render."""
    decoder = wire.decoder(ForRender)
    found = []
    for place, _, body in said:
        if place.startswith("kept") or ".render." not in place or not place.startswith("bus lane."):
            continue
        message = wire.decode(body, decoder)
        if isinstance(message, FacesDetected) and message.frames[0].faces:
            found.append(message.frames[0].faces[0].landmarks_px)
    return found[:: max(1, len(found) // FACES_LOOKED_FOR)]


def test_nothing_private_is_told(told: Told) -> None:
    allowed = {name: [f"{how} {one}" for how in ("bus", "kept") for one in subjects] for name, subjects in MAY.items()}
    assert not {name: places for name, where in told.found.items() if (places := outside(where, allowed.get(name, ())))}


def test_what_the_work_needs_is_where_it_is_said_to_be(told: Told) -> None:
    """The scanner sees: what may be somewhere is there."""
    for name, subjects in MAY.items():
        for subject in set(subjects) - IN_OTHER_NUMBERS:
            assert outside(told.found[name], [f"bus {subject}"]) < told.found[name], (name, subject)


def test_all_places_were_listened_to(told: Told) -> None:
    assert {f"{what} {name}" for name in SERVICES for what in ("log", "metrics")} <= told.places
    for pattern in (
        "otlp /v1/traces",
        "otlp /v1/metrics",
        "bus lane.*.detect",
        "kept jobs.event.*",
        "bus sessions.open",
    ):
        assert outside(told.places, [pattern]) < told.places, pattern


def test_a_collector_gets_one_trace_of_all_services(told: Told) -> None:
    bodies = [
        ExportTraceServiceRequest.FromString(body) for path, body in told.collector.received if path == "/v1/traces"
    ]
    parts = [part for body in bodies for part in body.resource_spans]
    services = {
        one.value.string_value
        for part in parts
        for one in part.resource.attributes
        if one.key == "service.name"
        for scope in part.scope_spans
        if any(span.trace_id.hex() == told.job["trace_id"] for span in scope.spans)
    }
    assert services == {f"visavis-{name}" for name in SERVICES}


def test_every_line_of_every_log_is_one_of_ecs(told: Told) -> None:
    kinds: dict[str, set[str]] = {}
    for name in SERVICES:
        lines = [json.loads(line) for line in told.logs[name].splitlines()]
        assert {line["service.name"] for line in lines} == {f"visavis-{name}"}
        for line in lines:
            assert list(line)[:3] == ["@timestamp", "log.level", "message"]
            for key, value in line.items():
                kinds.setdefault(key, set()).add(type(value).__name__ if not isinstance(value, float) else "int")
    assert not {key: found for key, found in kinds.items() if len(found) > 1}, "Elasticsearch takes one type a field"


def test_lines_name_the_job_and_the_stream_that_they_are_about(told: Told) -> None:
    lines = {name: [json.loads(line) for line in told.logs[name].splitlines()] for name in SERVICES}
    about = {
        name: {line["message"] for line in lines[name] if line.get("visavis.job") == told.job["id"]} for name in lines
    }
    assert {"job planned", "segment done", "job done"} <= about["ingest"]
    assert {"request", "called back"} <= about["gateway"]
    assert {"request", "stream over"} <= {
        line["message"] for line in lines["gateway"] if line.get("visavis.stream") == told.stream
    }
    over = [line for line in lines["ingest"] if line["message"] == "live session over"]
    assert len({line["visavis.session"] for line in over}) == len(over) == 3


@pytest.mark.parametrize(
    "how",
    [
        lambda secret: secret, lambda secret: secret.encode().hex(), lambda secret: json.dumps({"a": secret}),
        lambda secret: base64.b64encode(f"x{secret}y".encode()).decode(), lambda secret: f"http://h/?a={quote(secret)}",
    ],
)  # fmt: skip
def test_the_scanner_finds_what_is_planted_however_it_is_written(how: Callable[[str], str]) -> None:
    secret = "A secret/with+odd=signs"  # noqa: S105
    told = [Said("log a", b"nothing"), Said("log b", f"before {how(secret)} after".encode())]
    assert hits(told, {"it": spellings(secret.encode()), "other": spellings(b"another secret")}) == {"it": {"log b"}}


def test_the_scanner_finds_landmarks_as_bytes_and_as_numbers() -> None:
    points = np.array([[312.25, 80.5, 1], [7.125, 99.75, 2]], np.float32)
    told = [
        Said("bus lane.a.render.b", points.tobytes()), Said("log a", b'{"x": [312.25, 80.50]}'),
        Said("log b", f"{points.tolist()}".encode()), Said("log c", b"312 and 80"),
    ]  # fmt: skip
    found = hits(told, {"landmarks": spellings_of_landmarks(points)})["landmarks"]
    assert outside(found, ["bus lane.*.render.*"]) == {"log a", "log b"}
