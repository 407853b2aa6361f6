"""One picture over REST."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from services.gateway.documents import AnalysisDocument, PoseDocument
from services.gateway.problems import MEDIA_TYPE
from shared.model.faces import Face, Pose, Quality
from shared.model.jobs import Problem
from shared.model.looks import Look
from shared.model.media import MediaKind
from shared.model.offers import ModelChoice
from shared.model.presets import PRESETS
from shared.model.sessions import CHUNK_BYTES

if TYPE_CHECKING:
    import httpx

    from services.gateway.settings import GatewaySettings

JPEG = b"\xff\xd8\xff" + bytes(range(256)) * 8
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


async def test_a_form_gives_the_retouched_picture(client: httpx.AsyncClient, lane: Any) -> None:
    answer = await client.post("/v1/images", files={"file": ("a.png", JPEG)}, data={"look": "natural"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert answer.content == lane.picture
    assert lane.bodies == [JPEG]
    assert lane.opened[0].look == PRESETS["natural"]


@pytest.mark.parametrize("declared", ["image/jpeg", "application/x-www-form-urlencoded", "application/octet-stream"])
async def test_a_raw_body_is_read_by_its_magic_and_not_by_its_type(
    client: httpx.AsyncClient, lane: Any, declared: str
) -> None:
    look = '{"smooth": 0.5}'
    answer = await client.post("/v1/images", params={"look": look}, content=JPEG, headers={"content-type": declared})
    assert answer.status_code == 200
    assert (lane.bodies, lane.opened[0].look) == ([JPEG], Look(smooth=0.5))


async def test_without_a_look_the_default_is_drawn(client: httpx.AsyncClient, lane: Any) -> None:
    await client.post("/v1/images", content=JPEG)
    assert lane.opened[0].look == PRESETS["default"]


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", MediaKind.PNG),
        ("image/webp", MediaKind.WEBP),
        ("image/avif, image/jpeg;q=0.5, image/webp;q=0.4", MediaKind.JPEG),
        ("image/*;q=0.1", MediaKind.PNG),
        ("image/png;q=0, */*", MediaKind.JPEG),
    ],
)
async def test_the_answer_is_of_the_kind_that_is_accepted(
    client: httpx.AsyncClient, lane: Any, accept: str, kind: MediaKind
) -> None:
    answer = await client.post("/v1/images", content=PNG, headers={"accept": accept})
    assert answer.headers["content-type"] == kind
    assert lane.opened[0].reply_kind == kind


async def test_what_cannot_be_answered_is_not_acceptable(client: httpx.AsyncClient, lane: Any) -> None:
    answer = await client.post("/v1/images", content=JPEG, headers={"accept": "image/avif"})
    assert (answer.status_code, answer.json()["code"]) == (406, "not-acceptable")
    assert not lane.opened


async def test_a_large_picture_travels_in_chunks_both_ways(client: httpx.AsyncClient, lane: Any) -> None:
    lane.picture = JPEG * 600
    body = JPEG + bytes(2 * CHUNK_BYTES)
    answer = await client.post("/v1/images", files={"file": body})
    assert lane.bodies == [body]
    assert answer.content == lane.picture


async def test_an_analysis_is_one_line_of_faces(client: httpx.AsyncClient, lane: Any, face: Face) -> None:
    lane.faces = (face,)
    answer = await client.post("/v1/analyses", files={"file": JPEG})
    document = answer.json()
    assert {name: document[name] for name in ("frame", "pts_seconds", "width", "height")} == {
        "frame": 0, "pts_seconds": 0.0, "width": 64, "height": 48,
    }  # fmt: skip
    found = document["faces"][0]
    assert (found["track"], found["score"]) == (1, 0.9)
    assert len(found["box"]) == 4
    assert [len(found["landmarks"]), len(found["landmarks"][0])] == [468, 3]


async def test_an_analysis_says_how_each_head_is_turned_and_how_well_it_is_seen(
    client: httpx.AsyncClient, lane: Any, face: Face
) -> None:
    lane.faces = (face, msgspec.structs.replace(face, quality=Quality.TOO_SMALL, pose=Pose(-12.34, 3.25, 170)))
    document = AnalysisDocument.model_validate((await client.post("/v1/analyses", files={"file": JPEG})).json())
    assert [(one.quality, one.pose) for one in document.faces] == [
        ("good", None),
        ("too-small", PoseDocument(yaw=-12.3, pitch=3.2, roll=170)),
    ]


async def test_the_answer_says_where_the_time_went(client: httpx.AsyncClient, lane: Any) -> None:
    answer = await client.post("/v1/images", content=JPEG)
    timing = answer.headers["server-timing"]
    assert "detect.waited;dur=0.25, detect.worked;dur=9" in timing
    assert "gateway.waited;dur=" in timing


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "empty"),
        (b"just text, called a picture", 415, "unsupported-media"),
        (b"GIF89a" + bytes(20), 415, "unsupported-media"),
        (JPEG + bytes(2_000_000), 413, "too-large"),
    ],
)
async def test_bad_pictures_are_refused_before_a_lane_sees_them(
    client: httpx.AsyncClient, lane: Any, body: bytes, status: int, code: str
) -> None:
    for sent in ({"content": body}, {"files": {"file": ("a.jpg", body)}}):
        answer = await client.post("/v1/images", **sent)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.headers["content-type"] == MEDIA_TYPE
    assert not lane.opened


async def test_a_video_is_sent_on_to_jobs(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/images", content=b"\0\0\0 ftypisom" + bytes(20))
    assert "/v1/jobs" in answer.json()["detail"]


async def test_a_limit_that_was_passed_is_named(client: httpx.AsyncClient, settings: GatewaySettings) -> None:
    answer = await client.post("/v1/images", content=JPEG + bytes(settings.max_image_bytes))
    assert f"{settings.max_image_bytes} bytes (max_image_bytes)" in answer.json()["detail"]


async def test_a_wrong_look_is_named_with_its_path(client: httpx.AsyncClient, lane: Any) -> None:
    answer = await client.post("/v1/images", files={"file": JPEG}, data={"look": '{"smooth": 7}'})
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["status"]) == (422, "invalid-look", 422)
    assert "$.smooth" in problem["detail"]
    assert not lane.opened


@pytest.mark.usefixtures("warm")
@pytest.mark.parametrize("path", ["/v1/images", "/v1/analyses"])
async def test_the_models_that_a_client_names_are_told_to_the_lane(
    client: httpx.AsyncClient, lane: Any, path: str
) -> None:
    models = {"detector": "scrfd-500m", "landmarks": "face-mesh"}
    await client.post(path, content=JPEG, params=models)
    await client.post(path, files={"file": JPEG}, data=models)
    assert [request.models for request in lane.opened] == [ModelChoice(**models)] * 2


@pytest.mark.usefixtures("warm")
@pytest.mark.parametrize(
    ("fields", "code", "words"),
    [
        ({"detector": "scrfd"}, "unknown-model", "blazeface, scrfd-500m"),
        ({"landmarks": "keypoints"}, "unknown-model", "scrfd-500m"),
        ({"detector": "scrfd-500m", "landmarks": "keypoints", "look": "default"}, "unsupported-look", "slim_face"),
        ({"detector": "No Name"}, "invalid-parameter", "`detector`"),
        ({"detectr": "blazeface"}, "invalid-parameter", "'detectr'"),
    ],
)
async def test_a_choice_that_cannot_be_served_is_refused_with_what_there_is(
    client: httpx.AsyncClient, lane: Any, fields: dict[str, str], code: str, words: str
) -> None:
    for sent in ({"content": JPEG, "params": fields}, {"files": {"file": JPEG}, "data": fields}):
        problem = (await client.post("/v1/images", **sent)).json()  # type: ignore[arg-type]  # httpx's own words
        assert (problem["status"], problem["code"]) == (422, code)
        assert words in problem["detail"]
    assert not lane.opened


async def test_an_analysis_takes_no_look(client: httpx.AsyncClient) -> None:
    problem = (await client.post("/v1/analyses", content=JPEG, params={"look": "none"})).json()
    assert (problem["code"], problem["status"]) == ("invalid-parameter", 422)


async def test_a_picture_that_cannot_be_read_is_the_clients_fault(client: httpx.AsyncClient, lane: Any) -> None:
    lane.problem = Problem("damaged-media", "The picture is cut off.")
    answer = await client.post("/v1/images", content=JPEG)
    assert (answer.status_code, answer.json()["detail"]) == (422, "The picture is cut off.")


async def test_without_a_lane_the_service_is_unavailable(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/images", content=JPEG)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


TRANSPARENT = '{"background": {"kind": "transparent"}}'


@pytest.mark.parametrize(("accept", "status"), [("image/png", 200), ("image/webp", 200), ("*/*", 422)])
async def test_a_transparent_background_is_refused_before_anything_is_drawn_where_the_answer_has_none(
    client: httpx.AsyncClient, lane: Any, accept: str, status: int
) -> None:
    answer = await client.post("/v1/images", params={"look": TRANSPARENT}, content=JPEG, headers={"accept": accept})
    assert answer.status_code == status
    if status != 200:
        assert answer.json()["code"] == "unsupported-look"
        assert "image/png" in answer.json()["detail"]
        assert not lane.opened
