"""What Lambda's client calls."""

from __future__ import annotations

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
