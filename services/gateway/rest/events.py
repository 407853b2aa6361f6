"""Server-sent events that can be taken up again after a break, at any gateway.

The id of an event says how far its job or stream had come. Who comes back with it (`Last-Event-ID`) hears of nothing
older and of nothing twice; who has heard the end is answered 204, after which a browser comes no more.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Self

import msgspec
from fastapi import Header, Response
from fastapi.responses import StreamingResponse

from shared.model.jobs import JobState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.gateway.streams.run import StreamRun
    from shared.model.jobs import JobRecord

RETRY_MS = 1000
"""After a break a client is to come back so much later."""
STILL_THERE = ": still there\n\n"
OPENING = f"retry: {RETRY_MS}\n\n"
OVER: dict[int | str, dict[str, Any]] = {204: {"description": "`Last-Event-ID` names the last event: that was all."}}
_POSITION = re.compile(r"(\d{1,9})-(\d{1,12})-([a-z]+)", re.ASCII)
LastEventId = Annotated[
    str, Header(alias="Last-Event-ID", description="The id of the last event that was heard: what follows it comes.")
]


class JobPosition(msgspec.Struct, frozen=True, order=True):
    """How far a job has come: its state before its try, its try before its frames."""

    stage: int
    """0: accepted; 1: running; 2: at its end."""
    attempt: int
    frames: int
    state: str

    @classmethod
    def of(cls, record: JobRecord) -> Self:
        """Of a ledger entry."""
        return cls(_stage(record.state), record.attempt, record.frames, record.state)

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Of an event's id; None for what is none."""
        found = _POSITION.fullmatch(text.strip())
        if found is None or found[3] not in set(JobState):
            return None
        return cls(_stage(JobState(found[3])), int(found[1]), int(found[2]), found[3])

    @property
    def is_final(self) -> bool:
        """Nothing comes after it."""
        return JobState(self.state).is_final

    @property
    def id(self) -> str:
        """As an event has it."""
        return f"{self.attempt}-{self.frames}-{self.state}"

    def is_news_after(self, heard: JobPosition | None) -> bool:
        """Whether a client that has heard up to there is to hear of it. An end is an end, whichever it is."""
        return heard is None or (self > heard and not heard.is_final)


def stream_id(run: StreamRun) -> str:
    """The id of what is told of a stream now: another one whenever something has changed."""
    account = run.account
    return f"{run.changes}-{account.received}-{account.received - account.under_way}-{run.state}"


def event(name: str, number: str, data: str) -> str:
    """One event as it is sent. data: without line breaks."""
    return f"event: {name}\nid: {number}\ndata: {data}\n\n"


def answer(told: AsyncIterator[str]) -> StreamingResponse:
    """The events as a response."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(told, media_type="text/event-stream", headers=headers)


def over() -> Response:
    """There is nothing more to hear."""
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


def _stage(state: JobState) -> int:
    return 2 if state.is_final else int(state is not JobState.ACCEPTED)
