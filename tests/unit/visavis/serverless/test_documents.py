"""Documents as they come and as they are answered."""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
import pytest

from shared.model.errors import Malformed
from shared.model.jobs import Problem, SegmentDone, SegmentFailed, SegmentRequested, Want
from shared.model.look_text import parse_look
from shared.model.looks import Look
from shared.transport import wire
from visavis.serverless.documents import (
    CLOUD_EVENT,
    JSON,
    MESSAGEPACK,
    answer_body,
    call_of_body,
    call_of_event,
    call_of_url_event,
    is_url_event,
    status_of,
)

ASKED = SegmentRequested(job="j", segment=2, want=Want.PICTURE, look=parse_look("glamour"))
DOCUMENT: dict[str, Any] = json.loads(msgspec.json.encode(ASKED))
DONE = SegmentDone(job="j", session="s", frames=3, faces=2, timings=())


def failed(code: str) -> SegmentFailed:
    return SegmentFailed(job="j", session="s", problem=Problem(code, "So it is."))


def test_what_is_called_with_is_the_message_of_the_bus() -> None:
    packed = call_of_body(wire.encode(ASKED), {"content-type": MESSAGEPACK})
    plain = call_of_body(json.dumps(DOCUMENT).encode(), {"content-type": "application/json; charset=utf-8"})
    assert packed.request == plain.request == call_of_event(DOCUMENT, "s").request == ASKED
    assert (packed.kind, plain.kind) == (MESSAGEPACK, JSON)
    assert packed.session != plain.session


def test_a_cloud_event_is_taken_in_either_mode() -> None:
    binary = call_of_body(json.dumps(DOCUMENT).encode(), {"ce-specversion": "1.0", "ce-id": "e1"})
    envelope = {"specversion": "1.0", "id": "e2", "source": "/t", "type": "segment"}
    structured = call_of_body(json.dumps(envelope | {"data": DOCUMENT}).encode(), {"content-type": CLOUD_EVENT})
    in_base64 = envelope | {
        "data_base64": base64.b64encode(wire.encode(ASKED)).decode(), "datacontenttype": MESSAGEPACK
    }  # fmt: skip
    packed = call_of_body(json.dumps(in_base64).encode(), {"content-type": CLOUD_EVENT})
    assert [(call.session, call.is_event) for call in (binary, structured, packed)] == [
        ("e1", True), ("e2", True), ("e2", True),
    ]  # fmt: skip
    assert binary.request == structured.request == packed.request == ASKED


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", JSON), (b"\xff", JSON), (b"[]", JSON), (b"{}", JSON), (b"{}", MESSAGEPACK),
        (b"{}", CLOUD_EVENT), (b"7", CLOUD_EVENT), (b'{"specversion": "1.0"}', CLOUD_EVENT),
        (b'{"specversion": "1.0", "data_base64": 7}', CLOUD_EVENT),
        (b'{"specversion": "1.0", "data_base64": "?"}', CLOUD_EVENT),
        (b'{"job": "j", "want": "all", "look": {}}', JSON),
    ],
)  # fmt: skip
def test_whatever_else_comes_is_malformed(body: bytes, kind: str) -> None:
    with pytest.raises(Malformed):
        call_of_body(body, {"content-type": kind})


def test_an_event_within_an_event_is_malformed() -> None:
    inner = base64.b64encode(b'{"specversion": "1.0", "data": {}}').decode()
    outer = {"specversion": "1.0", "data_base64": inner, "datacontenttype": CLOUD_EVENT}
    with pytest.raises(Malformed):
        call_of_body(json.dumps(outer).encode(), {"content-type": CLOUD_EVENT})


@pytest.mark.parametrize("answer", [DONE, failed("too-long")])
def test_an_answer_says_which_it_is(answer: SegmentDone | SegmentFailed) -> None:
    for kind, read in ((JSON, msgspec.json.decode), (MESSAGEPACK, msgspec.msgpack.decode)):
        assert read(answer_body(answer, kind), type=SegmentDone | SegmentFailed) == answer


def test_the_status_says_whether_another_try_may_go_well() -> None:
    assert [status_of(one) for one in (DONE, failed("unavailable"), failed("too-long"))] == [200, 503, 422]


def test_a_request_that_lambda_has_put_into_an_event_is_told_from_the_document() -> None:
    event = {"version": "2.0", "requestContext": {"http": {"method": "POST"}}, "headers": {"Content-Type": MESSAGEPACK}}
    packed = event | {"body": base64.b64encode(wire.encode(ASKED)).decode(), "isBase64Encoded": True}
    plain = {**event, "headers": {}, "body": json.dumps(DOCUMENT)}
    assert [is_url_event(one) for one in (event, packed, DOCUMENT, 7, {"requestContext": "http"})] == [
        True, True, False, False, False,
    ]  # fmt: skip
    for asked, kind in ((packed, MESSAGEPACK), (plain, JSON)):
        call = call_of_url_event(asked, "s")
        assert (call.request, call.session, call.kind) == (ASKED, "s", kind)


@pytest.mark.parametrize(
    "body", [{}, {"body": None}, {"body": "?", "isBase64Encoded": True}, {"body": "[]"}, {"body": "", "headers": 7}]
)
def test_a_request_without_a_document_is_malformed(body: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        call_of_url_event({"requestContext": {"http": {}}, **body}, "s")


@pytest.mark.parametrize("job", ["", "../other", "a b", "j" * 65, "J"])
def test_a_name_that_could_lead_elsewhere_in_the_store_is_malformed(job: str) -> None:
    request = SegmentRequested(job=job, want=Want.FACES, look=Look())
    with pytest.raises(Malformed, match="job's name"):
        call_of_event(msgspec.to_builtins(request), "s")


@pytest.mark.parametrize("session", ["a\r\nset-cookie: x", "ä", "x" * 201])
def test_an_id_that_is_no_part_of_a_header_is_malformed(session: str) -> None:
    body = msgspec.json.encode(SegmentRequested(job="j", want=Want.FACES, look=Look()))
    with pytest.raises(Malformed, match="id"):
        call_of_body(body, {"content-type": "application/json", "ce-id": session, "ce-specversion": "1.0"})
