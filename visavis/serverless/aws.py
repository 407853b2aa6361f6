"""AWS Lambda: what its runtime interface client calls with each event."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol, Self

import msgspec

from visavis.serverless.documents import call_of_event, new_session
from visavis.serverless.function import Function

if TYPE_CHECKING:
    from visavis.serverless.steps import Steps


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
        """The document of SegmentRequested -> that of SegmentDone or SegmentFailed.

        Raises Malformed for another event, which Lambda reports as the error of the invocation.
        """
        session = context.aws_request_id if context is not None else new_session()
        call = call_of_event(event, session)
        answer = self._runner.run(self._function.segment(call.request, call.session))
        found: dict[str, Any] = msgspec.to_builtins(answer)
        return found

    def close(self) -> None:
        """End every process and thread."""
        self._runner.run(self._function.close())
        self._runner.close()
