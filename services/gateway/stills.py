"""The client's side of a still's session: open it in a lane, send the picture, wait for the answer."""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.gateway.measuring import FrameMeasures
from services.gateway.names import new_name
from services.gateway.problems import Refusal
from shared.model.errors import Rejected, Unavailable
from shared.model.hops import Hop
from shared.model.media import SNIFF_BYTES, MediaKind, sniff
from shared.model.offers import ModelChoice
from shared.model.sessions import (
    CHUNK_BYTES,
    Chunk,
    ForClient,
    OpenSession,
    SessionFailed,
    SessionOpened,
    SessionRefused,
    StillFinished,
    live_in,
    live_out,
)
from shared.runtime.logs import about, log
from shared.runtime.telemetry import sent_ns_of
from shared.transport import wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from shared.model.jobs import Problem, Want
    from shared.model.looks import Look
    from shared.runtime.telemetry import Telemetry
    from shared.transport.bus import Bus, Received

OPEN_PATIENCE_SECONDS = 5.0
"""Full lanes are asked again for so long; then it is a 503."""
OPEN_SECONDS = 2.0
WHERE = "gateway"
"""Where a picture's failure is known, whoever failed."""
MOST_PAUSE_SECONDS = 0.5

_opened = wire.decoder(SessionOpened | SessionRefused)
_for_client = wire.decoder(ForClient)


@dataclass(frozen=True, slots=True)
class StillRequest:
    """What is asked of one picture."""

    body: bytes
    """The encoded picture."""
    want: Want
    look: Look
    reply_kind: MediaKind | None = None
    """None: the kind it came in."""
    models: ModelChoice = field(default_factory=ModelChoice)


@dataclass(frozen=True, slots=True)
class StillAnswer:
    """What came of it."""

    finished: StillFinished
    picture: bytes
    """The encoded result; empty where only faces were wanted."""
    hops: tuple[Hop, ...]
    """Every service on the way, and the way back to the gateway."""

    @property
    def pixels(self) -> int:
        """How large the picture was."""
        return self.finished.width * self.finished.height


def still_kind(head: bytes) -> MediaKind:
    """The kind of a still by its magic. Raises Rejected `empty` or `unsupported-media`."""
    kind = sniff(head[:SNIFF_BYTES])
    if kind is not None and kind.is_still:
        return kind
    if not head:
        raise Rejected("empty", "The upload is empty: send the picture's bytes.")
    hint = f" It is {kind}: send it to /v1/jobs." if kind is not None else ""
    raise Rejected("unsupported-media", f"A picture must be JPEG, PNG or WebP, told by its first bytes.{hint}")


class _BrokenSession(Unavailable):
    """A lane had taken the picture, and then something of the lane was gone."""


class StillClient:
    """Asks lanes for stills, a bounded number at a time."""

    def __init__(self, bus: Bus, telemetry: Telemetry, most: int, deadline_seconds: float) -> None:
        self._bus = bus
        self._telemetry = telemetry
        self._most = most
        self._deadline_seconds = deadline_seconds
        self._measures = FrameMeasures(telemetry.metrics, "still")
        self._under_way = 0
        self._turn = asyncio.Lock()  # first come, first served: one asks, the others wait behind it

    @contextmanager
    def room(self) -> Iterator[None]:
        """A place for one picture, its upload included. Raises Refusal `unavailable` if there is none."""
        if self._under_way >= self._most:
            detail = f"{self._most} pictures are under way, and no more are taken (max_stills)."
            raise Refusal("unavailable", detail, headers={"Retry-After": "1"})
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    async def ask(self, request: StillRequest, within_seconds: float | None = None) -> StillAnswer:
        """The answer of a lane, in `within_seconds` or the setting's, whichever is less.

        Raises Rejected (the picture is at fault), Unavailable or Refusal `unavailable` (no lane, no room) and
        Refusal `deadline-exceeded`. A lane that falls silent or says that part of it died is followed by one more try.
        """
        try:
            answer = await self._ask(request, within_seconds)
        except (Rejected, Refusal) as error:
            self._measures.settled("failed", 1, WHERE, error.code)
            raise
        except Unavailable:
            self._measures.settled("failed", 1, WHERE, "unavailable")
            raise
        self._measures.settled("delivered", 1)
        return answer

    async def _ask(self, request: StillRequest, within_seconds: float | None) -> StillAnswer:
        seconds = min(self._deadline_seconds, within_seconds or self._deadline_seconds)
        end = time.monotonic() + seconds
        for share in (0.5, 1.0):
            try:
                return await self._try(request, (end - time.monotonic()) * share)
            except TimeoutError:
                log.warning("still without answer", waited_seconds=round(seconds * share, 1))
            except _BrokenSession as error:
                if share == 1.0:
                    raise
                log.warning("still to be tried again", detail=str(error))
                await asyncio.sleep(MOST_PAUSE_SECONDS)
        detail = f"There was no answer within {seconds:g} s (still_deadline_seconds, or the caller's own deadline)."
        raise Refusal("deadline-exceeded", detail)

    async def _try(self, request: StillRequest, seconds: float) -> StillAnswer:
        session = new_name()
        with about(session=session):
            async with asyncio.timeout(seconds), self._bus.listen(live_out(session), asking=True) as answers:
                await self._open(session, request, time.time() + seconds)
                await self._feed(session, request.body)
                return await self._collect(answers)

    async def _open(self, session: str, request: StillRequest, deadline_unix_seconds: float) -> None:
        message = OpenSession(
            session=session,
            want=request.want,
            look=request.look,
            reply_kind=request.reply_kind,
            deadline_unix_seconds=deadline_unix_seconds,
            body=request.body[:CHUNK_BYTES],
            complete=len(request.body) <= CHUNK_BYTES,
            models=request.models,
        )
        try:
            async with asyncio.timeout(OPEN_PATIENCE_SECONDS), self._turn:
                await self._until_taken(wire.encode(message))
        except TimeoutError as error:
            detail = f"No lane had room for the picture for {OPEN_PATIENCE_SECONDS:g} s."
            raise Refusal("unavailable", detail, headers={"Retry-After": "1"}) from error

    async def _until_taken(self, message: bytes) -> None:
        while True:
            answer = await self._bus.request(OpenSession.SUBJECT, message, self._telemetry.headers(), OPEN_SECONDS)
            reply = wire.decode(answer, _opened)
            if isinstance(reply, SessionOpened):
                return
            await asyncio.sleep(min(reply.retry_after_seconds, MOST_PAUSE_SECONDS))

    async def _feed(self, session: str, body: bytes) -> None:
        for start in range(CHUNK_BYTES, len(body), CHUNK_BYTES):
            end = start + CHUNK_BYTES
            chunk = Chunk(body=body[start:end], last=end >= len(body))
            await self._bus.send(live_in(session), wire.encode(chunk), self._telemetry.headers())

    async def _collect(self, answers: AsyncIterator[Received]) -> StillAnswer:
        finished: StillFinished | None = None
        pieces: list[bytes] = []
        hop = Hop("gateway", 0.0, 0.0)
        async for received in answers:
            message = wire.decode(received.body, _for_client)
            if isinstance(message, SessionFailed):
                raise _failure(message.problem)
            if isinstance(message, StillFinished):
                finished, hop = message, _way_back(received)
            else:
                pieces.append(message.body)
            if finished is not None and (finished.kind is None or (isinstance(message, Chunk) and message.last)):
                return self._answer(finished, b"".join(pieces), hop)
        raise TimeoutError

    def _answer(self, finished: StillFinished, picture: bytes, hop: Hop) -> StillAnswer:
        self._telemetry.record(hop)  # the lane's services count theirs
        return StillAnswer(finished, picture, (*finished.hops, hop))


def _failure(problem: Problem) -> Rejected | _BrokenSession:
    return _BrokenSession(problem.detail) if problem.code == "unavailable" else Rejected(problem.code, problem.detail)


def _way_back(received: Received) -> Hop:
    now = time.time_ns()
    return Hop("gateway", round(max(0, now - sent_ns_of(received.headers, now)) / 1e6, 3), 0.0)
