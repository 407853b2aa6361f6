"""Looks with effects that only lanes know."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf import json_format

from services.gateway.own_effects import message_known, parse_known
from services.gateway.problems import Refusal
from services.gateway.rpc.server import RpcServer
from shared.model.errors import Rejected
from shared.model.own_effects import EffectOffer, ParameterOffer
from shared.model.sessions import WorkerReported
from shared.runtime import presence
from shared.runtime.presence import Presence
from visavis.v1 import looks_pb2, pictures_pb2, pictures_pb2_grpc

if TYPE_CHECKING:
    import httpx

    from services.gateway.parts import Parts

JPEG = b"\xff\xd8\xff" + bytes(100)
FRECKLES = EffectOffer("freckles", "Strews freckles.", (ParameterOffer("amount", "How clearly.", "number", 0.5),))
LOOK = '{"smooth": 0.5, "freckles": 0.75}'


def tell(heard: Presence) -> None:
    for service in ("ingest", "detect", "render"):
        effects = (FRECKLES,) if service == "render" else ()
        heard.note(WorkerReported(lane="test", service=service, worker="1", room=1, effects=effects))


@pytest.fixture
def freckled(parts: Parts) -> None:
    """A lane has said that it is there, and what its render has beside the effects of Visavis."""
    tell(parts.presence)


def test_what_no_worker_has_is_refused_with_what_there_is() -> None:
    heard = Presence()
    tell(heard)
    with pytest.raises(Rejected, match=r"sparkles.*freckles"):
        parse_known('{"sparkles": 0.5}', heard)


def test_as_long_as_no_lane_was_heard_of_it_is_not_known_what_there_is() -> None:
    with pytest.raises(Refusal, match="whether there is an effect freckles") as raised:
        parse_known(LOOK, Presence())
    assert (raised.value.code, raised.value.headers) == ("unavailable", {"Retry-After": "1"})
    with pytest.raises(Rejected, match="smooth"):
        parse_known('{"smooth": 7, "freckles": 1}', Presence())
    assert parse_known('{"smooth": 0.5}', Presence()).smooth == 0.5


def test_a_lane_that_is_gone_for_a_moment_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Presence()
    tell(heard)
    assert parse_known(LOOK, heard).own == {"freckles": {"amount": 0.75}}
    monkeypatch.setattr(presence, "GONE_AFTER_SECONDS", -1.0)
    assert parse_known(LOOK, heard).own == {"freckles": {"amount": 0.75}}
    with pytest.raises(Refusal, match="sparkles"):
        parse_known('{"sparkles": 0.5}', heard)


@pytest.mark.usefixtures("freckled")
async def test_a_picture_is_drawn_with_them_over_rest(client: httpx.AsyncClient, lane: Any) -> None:
    answer = await client.post("/v1/images", files={"file": JPEG}, data={"look": LOOK})
    assert answer.status_code == 200
    assert lane.opened[0].look.own == {"freckles": {"amount": 0.75}}


@pytest.mark.usefixtures("freckled")
async def test_a_wrong_parameter_is_a_problem_with_its_path(client: httpx.AsyncClient) -> None:
    look = '{"freckles": {"amount": 7}}'
    for path, body in (("/v1/images", JPEG), ("/v1/jobs", b"\0\0\0\x18ftypisom")):
        answer = await client.post(path, files={"file": body}, data={"look": look})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-look")
        assert "$.freckles.amount" in answer.json()["detail"]


async def test_a_job_is_told_to_come_back_while_nobody_knows(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/jobs", data={"look": LOOK}, files={"file": b"\0\0\0\x18ftypisom"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


@pytest.mark.usefixtures("freckled")
async def test_a_picture_is_drawn_with_them_over_grpc(parts: Parts, lane: Any) -> None:
    server = RpcServer(parts)
    address = await server.start()
    async with grpc.aio.insecure_channel(address) as channel:
        stub: Any = pictures_pb2_grpc.PicturesStub(channel)  # type: ignore[no-untyped-call]  # generated
        await stub.Process(pictures_pb2.ProcessRequest(picture=JPEG, look_name=json.dumps({"freckles": {}})))
        look = json_format.ParseDict({"own": {"freckles": {"amount": 0.25}}}, looks_pb2.Look())
        await stub.Process(pictures_pb2.ProcessRequest(picture=JPEG, look=look))
    assert [asked.look.own for asked in lane.opened] == [{"freckles": {"amount": 0.5}}, {"freckles": {"amount": 0.25}}]


def test_a_message_is_not_judged_as_long_as_no_lane_was_heard_of() -> None:
    look = json_format.ParseDict({"own": {"freckles": {}}}, looks_pb2.Look())
    with pytest.raises(Refusal, match="freckles"):
        message_known(look, Presence())
    assert message_known(looks_pb2.Look(smooth=0.5), Presence()).smooth == 0.5


@pytest.mark.usefixtures("freckled")
async def test_they_are_listed_with_their_schema_beside_those_of_visavis(client: httpx.AsyncClient) -> None:
    document = (await client.get("/v1/looks")).json()
    assert document["effects"] == {"freckles": FRECKLES.schema()}
    properties = document["schema"]["properties"]
    assert properties["freckles"] == document["effects"]["freckles"]
    assert "smooth" in properties
