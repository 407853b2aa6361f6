"""What Lambda's client calls."""

from __future__ import annotations

import base64
import io
import json
from typing import TYPE_CHECKING

import msgspec
import pytest

from shared.model.errors import Malformed
from shared.model.jobs import SegmentRequested, Want
from shared.model.looks import Look
from visavis.serverless.aws import Handler
from visavis.serverless.steps import Steps

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENT = json.loads(msgspec.json.encode(SegmentRequested(job="j", want=Want.FACES, look=Look())))


class Context:
    aws_request_id = "request"


@pytest.fixture
def handler(stored: object) -> Iterator[Handler]:
    made = Handler.started(Steps(io.StringIO()))
    yield made
    made.close()


def test_an_event_is_answered_by_what_json_can_hold(handler: Handler) -> None:
    for _ in range(2):  # the loop rests in between
        answer = handler(EVENT, Context())
        assert (answer["type"], answer["session"]) == ("SegmentFailed", "request")
        assert json.loads(json.dumps(answer)) == answer


def test_another_event_is_an_error(handler: Handler) -> None:
    with pytest.raises(Malformed, match="SegmentRequested"):
        handler({"job": "j"}, None)


def test_a_request_over_http_is_answered_by_a_response(handler: Handler) -> None:
    request = {"requestContext": {"http": {"method": "POST"}}, "headers": {}, "body": json.dumps(EVENT)}
    answer = handler(request, Context())
    assert (answer["statusCode"], answer["headers"]) == (422, {"content-type": "application/json"})
    assert json.loads(base64.b64decode(answer["body"]))["session"] == "request"
    assert handler(request | {"body": "no json"}, Context())["statusCode"] == 400
