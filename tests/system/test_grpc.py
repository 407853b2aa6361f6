"""Pictures over gRPC, from a real client."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import grpc
import httpx
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from PIL import Image

from visavis.v1 import pictures_pb2, pictures_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from visavis.stack import Stack

SECONDS = 30


@pytest.fixture(scope="module")
def channel(stack: Stack) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(stack.grpc) as channel:  # type: ignore[no-untyped-call]  # has no annotations
        yield channel


@pytest.fixture(scope="module")
def pictures(channel: grpc.Channel) -> Any:
    return pictures_pb2_grpc.PicturesStub(channel)  # type: ignore[no-untyped-call]  # generated


@pytest.mark.parametrize("service", ["", "visavis.v1.Pictures"])
def test_the_health_service_says_that_it_serves(channel: grpc.Channel, service: str) -> None:
    health: Any = health_pb2_grpc.HealthStub(channel)  # type: ignore[no-untyped-call]  # generated
    heard = health.Watch(health_pb2.HealthCheckRequest(service=service), timeout=SECONDS)
    assert any(answer.status == health_pb2.HealthCheckResponse.SERVING for answer in heard)
    heard.cancel()


def test_faces_are_the_same_as_over_rest(stack: Stack, pictures: Any, portrait: bytes) -> None:
    answer = pictures.Analyze(pictures_pb2.AnalyzeRequest(picture=portrait), timeout=SECONDS)
    same = httpx.post(f"{stack.rest}/v1/analyses", content=portrait).json()
    assert (answer.width, answer.height) == (same["width"], same["height"]) == (1280, 720)
    (face,), (other,) = answer.faces, same["faces"]
    assert face.track == other["track"]
    assert [face.box.x0, face.box.y0, face.box.x1, face.box.y1] == pytest.approx(other["box"], abs=0.1)
    assert np.reshape(face.landmarks, (468, 3)) == pytest.approx(np.array(other["landmarks"]), abs=0.1)


def test_a_picture_comes_back_retouched_in_the_format_that_is_asked_for(pictures: Any, portrait: bytes) -> None:
    request = pictures_pb2.ProcessRequest(picture=portrait, look_name="glamour", reply_media_type="image/png")
    answer, call = pictures.Process.with_call(request, timeout=SECONDS)
    before, after = (np.asarray(Image.open(io.BytesIO(data)).convert("RGB")) for data in (portrait, answer.picture))
    assert (answer.media_type, after.shape, len(answer.faces)) == ("image/png", (720, 1280, 3), 1)
    box = answer.faces[0].box
    changed = (before != after).any(axis=-1)
    assert changed[round(box.y0) : round(box.y1), round(box.x0) : round(box.x1)].mean() > 0.3
    assert changed.mean() < 0.5
    assert [hop.name for hop in answer.hops] == ["ingest", "detect", "render", "gateway"]
    assert len(dict(call.trailing_metadata())["visavis-trace-id"]) == 32


def test_a_look_in_numbers_is_taken(pictures: Any, portrait: bytes) -> None:
    look = pictures_pb2.Look(smooth=0, whiten=0, slim_face=0, enlarge_eyes=0)
    request = pictures_pb2.ProcessRequest(picture=portrait, look=look, reply_media_type="image/png")
    answer = pictures.Process(request, timeout=SECONDS)
    before, after = (np.asarray(Image.open(io.BytesIO(data)).convert("RGB")) for data in (portrait, answer.picture))
    assert np.array_equal(before, after)


@pytest.mark.parametrize(
    ("picture", "wanted", "code", "words"),
    [
        (b"", {}, "empty", "empty"),
        (b"dear reader, this is no picture", {}, "unsupported-media", "JPEG, PNG or WebP"),
        (b"GIF89a", {}, "unsupported-media", "/v1/jobs"),
        (b"\xff\xd8\xff" + bytes(100), {}, "damaged-media", "cut off or damaged"),
        (None, {"look_name": "gorgeous"}, "invalid-look", "glamour"),
        (None, {"look": pictures_pb2.Look(smooth=7)}, "invalid-look", "`$.smooth` must be"),
        (None, {"look": pictures_pb2.Look(whiten=float("nan"))}, "invalid-look", "`$.whiten` must be"),
        (None, {"look": pictures_pb2.Look(lipstick={"color": "red"})}, "invalid-look", "`$.lipstick.color` must be"),
        (None, {"reply_media_type": "image/avif"}, "not-acceptable", "image/jpeg, image/png, image/webp"),
    ],
)
def test_what_is_wrong_with_the_request_is_an_invalid_argument(
    pictures: Any, portrait: bytes, picture: bytes | None, wanted: dict[str, Any], code: str, words: str
) -> None:
    request = pictures_pb2.ProcessRequest(picture=portrait if picture is None else picture, **wanted)
    with pytest.raises(grpc.RpcError) as caught:
        pictures.Process(request, timeout=SECONDS)
    failed: Any = caught.value
    assert (failed.code(), dict(failed.trailing_metadata())["visavis-code"]) == (grpc.StatusCode.INVALID_ARGUMENT, code)
    assert words in failed.details()


def test_more_bytes_than_allowed_are_refused(pictures: Any) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        pictures.Analyze(pictures_pb2.AnalyzeRequest(picture=b"\xff\xd8\xff" + bytes(33 << 20)), timeout=SECONDS)
    failed: Any = caught.value
    assert failed.code() in {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED}


@pytest.mark.parametrize("seconds", [0.001, 0.03])
def test_a_deadline_is_kept_and_costs_nobody_else(pictures: Any, portrait: bytes, seconds: float) -> None:
    look = pictures_pb2.Look(smooth=1, whiten=1, slim_face=1, enlarge_eyes=1)
    request = pictures_pb2.ProcessRequest(picture=portrait, look=look, reply_media_type="image/png")
    for _ in range(8):
        with pytest.raises(grpc.RpcError) as caught:
            pictures.Process(request, timeout=seconds)
        failed: Any = caught.value
        assert failed.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert pictures.Process(request, timeout=SECONDS).picture
