"""AWS Lambda: what its runtime interface client calls with each event."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Any, Protocol, Self

import msgspec

from shared.model.errors import Malformed
from visavis.serverless.documents import (
    answer_body,
    call_of_event,
    call_of_url_event,
    is_url_event,
    new_session,
    status_of,
)
from visavis.serverless.function import Function

if TYPE_CHECKING:
    from shared.model.jobs import SegmentDone, SegmentFailed
    from visavis.serverless.documents import Call
    from visavis.serverless.steps import Steps

PROBLEM = "application/problem+json"


class Context(Protocol):
    """What of Lambda's context is used."""

    aws_request_id: str


class Handler:
    """One function on an event loop that runs while there is an event: in between Lambda stops the process."""

    def __init__(self, runner: asyncio.Runner, function: Function) -> None:
        """Made by `started`."""
        self._runner, self._function = runner, function

    @classmethod
    def started(cls, steps: Steps) -> Self:
        """Warm. Called while Lambda initialises; raises as Function.started does, which Lambda reports."""
        runner = asyncio.Runner()
        try:
            return cls(runner, runner.run(Function.started(steps)))
        except BaseException:
            runner.close()
            raise

    def __call__(self, event: object, context: Context | None) -> dict[str, Any]:
        """The document of SegmentRequested -> that of SegmentDone or SegmentFailed; a request over HTTP -> a response.

        Raises Malformed for another event, which Lambda reports as the error of the invocation.
        """
        session = context.aws_request_id if context is not None else new_session()
        if is_url_event(event):
            return self._over_http(event, session)
        found: dict[str, Any] = msgspec.to_builtins(self._answer(call_of_event(event, session)))
        return found

    def _answer(self, call: Call) -> SegmentDone | SegmentFailed:
        return self._runner.run(self._function.segment(call.request, call.session))

    def _over_http(self, event: Any, session: str) -> dict[str, Any]:
        try:
            call = call_of_url_event(event, session)
        except Malformed as error:
            return _response(400, msgspec.json.encode({"code": "malformed", "detail": str(error)}), PROBLEM)
        answer = self._answer(call)
        return _response(status_of(answer), answer_body(answer, call.kind), call.kind)

    def close(self) -> None:
        """End every process and thread."""
        self._runner.run(self._function.close())
        self._runner.close()


def _response(status: int, body: bytes, kind: str) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {"content-type": kind},
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }
