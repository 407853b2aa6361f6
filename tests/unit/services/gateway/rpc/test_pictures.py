"""Pictures over gRPC."""

from __future__ import annotations

import asyncio
import time
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import grpc
import msgspec
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.gateway.rpc.pictures import SERVICE
from services.gateway.rpc.server import RpcServer
from shared.model.errors import Misconfigured
from shared.model.faces import Face, Pose, Quality
from shared.model.jobs import Problem
from shared.model.keys import Quotas, Scope
from shared.model.looks import Look
from shared.model.media import MediaKind
from shared.model.offers import ModelChoice
from shared.model.presets import PRESETS
from shared.runtime.listening import bound
from visavis.v1 import pictures_pb2, pictures_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.gateway.parts import Parts
    from shared.transport.keys import KeyRing

JPEG = b"\xff\xd8\xff" + bytes(100)


@pytest.fixture
async def channel(parts: Parts) -> AsyncIterator[grpc.aio.Channel]:
    server = RpcServer(parts)
    address = await server.start()
    running = asyncio.create_task(server.run())
    async with grpc.aio.insecure_channel(address) as found:
        yield found
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
def pictures(channel: grpc.aio.Channel) -> pictures_pb2_grpc.PicturesStub:
    return pictures_pb2_grpc.PicturesStub(channel)  # type: ignore[no-untyped-call]  # generated


async def code_of(call: Any) -> tuple[grpc.StatusCode, dict[str, Any]]:
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await call
    return failed.value.code(), dict(failed.value.trailing_metadata() or ())


async def test_a_port_that_is_taken_is_said(parts: Parts) -> None:
    socket, url = bound("127.0.0.1", 0, "It", "its_port")
    with socket:
        socket.listen()
        settings = parts.settings.model_copy(update={"grpc_port": int(url.rpartition(":")[2])})
        with pytest.raises(Misconfigured, match=r"^gRPC cannot listen on .*VISAVIS_GRPC_PORT \(.*--grpc-port\)\.$"):
            await RpcServer(replace(parts, settings=settings)).start()


async def test_a_picture_is_processed(pictures: Any, lane: Any) -> None:
    request = pictures_pb2.ProcessRequest(picture=JPEG, look_name="natural", reply_media_type="image/png")
    answer = await pictures.Process(request)
    assert (answer.picture, answer.media_type, answer.width) == (lane.picture, "image/png", 64)
    assert (lane.opened[0].look, lane.opened[0].reply_kind) == (PRESETS["natural"], MediaKind.PNG)
    assert [hop.name for hop in answer.hops] == ["ingest", "detect", "render", "gateway"]


@pytest.mark.parametrize(
    ("chosen", "look"),
    [
        ({}, PRESETS["default"]),
        ({"look_name": '{"whiten": 0.5}'}, Look(whiten=0.5)),
        ({"look_name": " "}, PRESETS["default"]),
        ({"look": pictures_pb2.Look(slim_face=0.25)}, Look(slim_face=0.25)),
        ({"look": pictures_pb2.Look()}, Look()),
    ],
)
async def test_a_look_is_a_name_or_json_or_a_message(
    pictures: Any, lane: Any, chosen: dict[str, Any], look: Look
) -> None:
    await pictures.Process(pictures_pb2.ProcessRequest(picture=JPEG, **chosen))
    assert lane.opened[0].look == look


@pytest.mark.usefixtures("warm")
async def test_models_are_chosen_by_name(pictures: Any, lane: Any) -> None:
    chosen = {"detector": "scrfd-500m", "landmarks": "face-mesh"}
    await pictures.Analyze(pictures_pb2.AnalyzeRequest(picture=JPEG, **chosen))
    await pictures.Process(pictures_pb2.ProcessRequest(picture=JPEG, **chosen))
    assert [request.models for request in lane.opened] == [ModelChoice(**chosen)] * 2


async def test_an_asset_that_is_not_there_is_not_found(
    pictures: Any, lane: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Look, "asset_ids", ("a" * 32,))
    status, metadata = await code_of(pictures.Process(pictures_pb2.ProcessRequest(picture=JPEG)))
    assert (status, metadata["visavis-code"]) == (grpc.StatusCode.NOT_FOUND, "unknown-asset")
    assert not lane.opened


@pytest.mark.usefixtures("warm")
@pytest.mark.parametrize(
    ("chosen", "code"),
    [
        ({"detector": "scrfd"}, "unknown-model"),
        ({"detector": "No Name"}, "invalid-parameter"),
        ({"detector": "scrfd-500m", "landmarks": "keypoints"}, "unsupported-look"),
        ({"look_name": '{"background": {"kind": "transparent"}}'}, "unsupported-look"),
    ],
)
async def test_models_and_looks_that_cannot_be_served_are_an_invalid_argument(
    pictures: Any, lane: Any, chosen: dict[str, str], code: str
) -> None:
    status, metadata = await code_of(pictures.Process(pictures_pb2.ProcessRequest(picture=JPEG, **chosen)))
    assert (status, metadata["visavis-code"]) == (grpc.StatusCode.INVALID_ARGUMENT, code)
    assert not lane.opened


async def test_an_analysis_has_every_landmark(pictures: Any, lane: Any, face: Face) -> None:
    lane.faces = (face,)
    answer = await pictures.Analyze(pictures_pb2.AnalyzeRequest(picture=JPEG))
    [found] = answer.faces
    assert list(found.landmarks) == face.landmarks_px.ravel().tolist()
    assert (found.track, found.box.x1) == (1, pytest.approx(face.box_px[2]))
    assert not found.HasField("pose")


async def test_an_analysis_says_how_each_head_is_turned_and_how_well_it_is_seen(
    pictures: Any, lane: Any, face: Face
) -> None:
    lane.faces = (msgspec.structs.replace(face, quality=Quality.BLURRED, pose=Pose(-12.5, 3.25, 170)),)
    [found] = (await pictures.Analyze(pictures_pb2.AnalyzeRequest(picture=JPEG))).faces
    assert (found.quality, found.pose.yaw, found.pose.pitch, found.pose.roll) == ("blurred", -12.5, 3.25, 170)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (pictures_pb2.ProcessRequest(), "empty"),
        (pictures_pb2.ProcessRequest(picture=b"text"), "unsupported-media"),
        (pictures_pb2.ProcessRequest(picture=JPEG, look_name="pretty"), "invalid-look"),
        (pictures_pb2.ProcessRequest(picture=JPEG, look=pictures_pb2.Look(smooth=7)), "invalid-look"),
        (pictures_pb2.ProcessRequest(picture=JPEG, look=pictures_pb2.Look(smooth=float("nan"))), "invalid-look"),
        (pictures_pb2.ProcessRequest(picture=JPEG, look=pictures_pb2.Look(texture={})), "invalid-look"),
        (pictures_pb2.ProcessRequest(picture=JPEG, reply_media_type="image/avif"), "not-acceptable"),
        (pictures_pb2.ProcessRequest(picture=JPEG + bytes(2_000_000)), "too-large"),
    ],
)
async def test_what_is_wrong_with_the_request_is_an_invalid_argument(
    pictures: Any, lane: Any, request_: pictures_pb2.ProcessRequest, code: str
) -> None:
    status, metadata = await code_of(pictures.Process(request_))
    assert (status, metadata["visavis-code"]) == (grpc.StatusCode.INVALID_ARGUMENT, code)
    assert len(metadata["visavis-trace-id"]) == 32
    assert not lane.opened


async def test_a_damaged_picture_is_an_invalid_argument(pictures: Any, lane: Any) -> None:
    lane.problem = Problem("damaged-media", "Cut off.")
    status, metadata = await code_of(pictures.Analyze(pictures_pb2.AnalyzeRequest(picture=JPEG)))
    assert (status, metadata["visavis-code"]) == (grpc.StatusCode.INVALID_ARGUMENT, "damaged-media")


async def test_without_a_lane_the_client_is_told_when_to_retry(pictures: Any) -> None:
    status, metadata = await code_of(pictures.Analyze(pictures_pb2.AnalyzeRequest(picture=JPEG)))
    assert (status, metadata["grpc-retry-pushback-ms"]) == (grpc.StatusCode.UNAVAILABLE, "1000")


async def test_the_clients_deadline_is_kept_and_told_to_the_lane(pictures: Any, lane: Any) -> None:
    lane.silences = 9
    latest = time.time() + 0.4  # the service's own deadline is five seconds
    status, _ = await code_of(pictures.Analyze(pictures_pb2.AnalyzeRequest(picture=JPEG), timeout=0.4))
    assert status is grpc.StatusCode.DEADLINE_EXCEEDED
    assert lane.opened[0].deadline_unix_seconds < latest


async def test_a_bug_tells_the_client_nothing_of_itself(pictures: Any, parts: Parts) -> None:
    async def broken(*_: Any) -> None:
        raise KeyError("secret")

    object.__setattr__(parts, "stills", type("Broken", (), {"room": nullcontext, "ask": broken})())
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await pictures.Analyze(pictures_pb2.AnalyzeRequest(picture=JPEG))
    assert failed.value.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in str(failed.value.details())


async def test_a_message_over_the_limit_is_refused_by_the_server(pictures: Any) -> None:
    request = pictures_pb2.AnalyzeRequest(picture=JPEG + bytes(2_200_000))
    assert (await code_of(pictures.Analyze(request)))[0] is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_health_follows_the_lanes(channel: grpc.aio.Channel, request: pytest.FixtureRequest) -> None:
    health = health_pb2_grpc.HealthStub(channel)  # type: ignore[no-untyped-call]  # generated
    for service in ("", SERVICE):
        answer = await health.Check(health_pb2.HealthCheckRequest(service=service))
        assert answer.status == health_pb2.HealthCheckResponse.NOT_SERVING
    watched = health.Watch(health_pb2.HealthCheckRequest(service=SERVICE))
    assert (await watched.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
    request.getfixturevalue("warm")
    assert (await watched.read()).status == health_pb2.HealthCheckResponse.SERVING
    watched.cancel()


async def test_a_key_over_its_quota_is_told_when_to_come_back(
    asking: Parts, pictures: Any, lane: Any, ring: KeyRing
) -> None:
    key = await ring.add("small", [Scope.PICTURES], Quotas(pixels_per_second=1))
    sent = {"metadata": (("authorization", f"Bearer {key}"),)}
    await pictures.Analyze(pictures_pb2.AnalyzeRequest(picture=JPEG), **sent)
    status, metadata = await code_of(pictures.Analyze(pictures_pb2.AnalyzeRequest(picture=JPEG), **sent))
    assert (status, metadata["visavis-code"]) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "quota-exceeded")
    assert 3_000_000 <= int(metadata["grpc-retry-pushback-ms"]) <= 64 * 48 * 1000


async def test_what_will_never_fit_is_not_to_be_tried_again(
    asking: Parts, pictures: Any, lane: Any, ring: KeyRing
) -> None:
    key = await ring.add("small", [Scope.PICTURES], Quotas(bytes_per_day=len(JPEG) - 1))
    sent = {"metadata": (("authorization", f"Bearer {key}"),)}
    status, metadata = await code_of(pictures.Process(pictures_pb2.ProcessRequest(picture=JPEG), **sent))
    assert (status, metadata["visavis-code"]) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "quota-exceeded")
    assert int(metadata["grpc-retry-pushback-ms"]) < 0
    assert not lane.opened
