"""What JetStream keeps, looked through and removed by its own requests (NATS ADR-31, JetStream API)."""

from __future__ import annotations

import datetime
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import msgspec

from shared.model.errors import Unavailable
from shared.transport.topology import keeper

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from shared.transport.bus import Headers

T = TypeVar("T")
_NO_MESSAGE = 10037
"""err_code of the server: there is no such message (any more)."""
_NO_SEQUENCE = 10043
"""err_code of the server: there is none of that number to remove."""


@dataclass(frozen=True, slots=True)
class KeptMessage:
    """A message as a stream keeps it."""

    subject: str
    body: bytes
    headers: Mapping[str, str]
    number: int
    kept_unix_seconds: float


class _Error(msgspec.Struct, frozen=True):
    err_code: int = 0
    description: str = ""


class _Stored(msgspec.Struct, frozen=True):
    subject: str
    seq: int
    time: datetime.datetime
    data: bytes = b""
    hdrs: bytes = b""


class _Answer(msgspec.Struct, frozen=True):
    """Of every request that is made here."""

    error: _Error | None = None
    message: _Stored | None = None
    purged: int = 0
    success: bool = False


class JetStreamKept(ABC):
    """The part of a bus that looks through streams and removes from them."""

    @abstractmethod
    async def request(
        self, subject: str, body: bytes, headers: Headers | None = None, timeout_seconds: float = 2.0
    ) -> bytes:
        """See Bus.request."""

    async def browse(self, subject: str, number: int = 1) -> AsyncIterator[KeptMessage]:
        """What is kept on subjects that fit the pattern, oldest first, from that number on."""
        stream = keeper(subject).name
        while (found := await self._message(stream, {"seq": number, "next_by_subj": subject})) is not None:
            yield found
            number = found.number + 1

    async def newest(self, subject: str) -> KeptMessage | None:
        """The newest message that is kept on subjects that fit the pattern; None if there is none."""
        return await self._message(keeper(subject).name, {"last_by_subj": subject})

    async def remove(self, subject: str, number: int) -> bool:
        """Remove the message of that number from the stream that keeps `subject`; False if it has none."""
        stream = keeper(subject).name
        if await self._message(stream, {"seq": number}) is None:  # of a number beyond the last, removing says no code
            return False
        return (await self._ask("MSG.DELETE", stream, {"seq": number}, (_NO_MESSAGE, _NO_SEQUENCE))).success

    async def purge(self, subject: str) -> int:
        """Remove what is kept on subjects that fit the pattern; answers how many there were."""
        return (await self._ask("PURGE", keeper(subject).name, {"filter": subject}, ())).purged

    async def _message(self, stream: str, which: Mapping[str, str | int]) -> KeptMessage | None:
        stored = (await self._ask("MSG.GET", stream, which, (_NO_MESSAGE,))).message
        if stored is None:
            return None
        return KeptMessage(stored.subject, stored.data, _headers(stored.hdrs), stored.seq, stored.time.timestamp())

    async def _ask(self, verb: str, stream: str, what: Mapping[str, str | int], fine: tuple[int, ...]) -> _Answer:
        """The server's answer. fine: errors that are one. Raises Unavailable for every other."""
        reply = await self.request(f"$JS.API.STREAM.{verb}.{stream}", msgspec.json.encode(what), timeout_seconds=5.0)
        answer = msgspec.json.decode(reply, type=_Answer)
        if answer.error is not None and answer.error.err_code not in fine:
            raise Unavailable(f"The bus does not let us look into {stream}: {answer.error.description}.")
        return answer


def _headers(block: bytes) -> dict[str, str]:
    """`NATS/1.0` and a line each."""
    lines = block.decode(errors="replace").split("\r\n")[1:]
    return {name: value.strip() for name, mark, value in (line.partition(":") for line in lines) if mark}
