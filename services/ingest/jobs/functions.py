"""Segments as calls of a function over HTTP, which reads and writes the same object store (deploy/serverless)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import httpx

from shared.model.errors import Malformed, Misconfigured, Rejected, Unavailable
from shared.model.jobs import SegmentDone, SegmentFailed
from shared.transport import wire

if TYPE_CHECKING:
    from services.ingest.settings import IngestSettings
    from shared.model.jobs import SegmentRequested
    from shared.transport.bus import Headers

CONNECT_SECONDS = 10.0
MESSAGEPACK = "application/msgpack"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_answer = wire.decoder(SegmentDone | SegmentFailed)


class FunctionCalls:
    """One client of one function, for as many calls at a time as are made."""

    def __init__(self, url: str, seconds: float, authorization: str = "") -> None:
        """seconds: that a call may take. authorization: the header of that name; empty: none."""
        headers = {"Content-Type": MESSAGEPACK} | ({"Authorization": authorization} if authorization else {})
        self._url = url
        self._http = httpx.AsyncClient(
            headers=headers,
            timeout=httpx.Timeout(seconds, connect=CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
            trust_env=httpx.URL(url).host not in _LOOPBACK,  # no proxy of the environment leads there
        )

    @classmethod
    def of(cls, settings: IngestSettings) -> Self:
        """As the settings have it. Raises Misconfigured without an address."""
        if not settings.function_url:
            raise Misconfigured("VISAVIS_EXECUTOR is serverless: set VISAVIS_FUNCTION_URL to where the function is.")
        authorization = settings.function_authorization.get_secret_value()
        return cls(settings.function_url, settings.function_seconds, authorization)

    async def close(self) -> None:
        """Hang up."""
        await self._http.aclose()

    async def call(self, request: SegmentRequested, headers: Headers) -> SegmentDone:
        """Have a segment done; its part lies in the object store then. headers: of the trace.

        Raises Rejected for what is wrong with the request or its upload, Unavailable for what may go well another time.
        """
        try:
            answer = await self._http.post(self._url, content=wire.encode(request), headers=dict(headers))
        except httpx.HTTPError as error:
            raise Unavailable(f"The function did not answer: {str(error) or type(error).__name__}.") from error
        try:
            told = wire.decode(answer.content, _answer)
        except Malformed as error:
            raise Unavailable(
                f"The function answered HTTP {answer.status_code} and no document of a segment."
            ) from error
        if (told.job, told.segment) != (request.job, request.segment):
            raise Unavailable("The function answered about another segment.")
        if isinstance(told, SegmentDone):
            return told
        if answer.status_code >= 500:
            raise Unavailable(told.problem.detail)
        raise Rejected(told.problem.code, told.problem.detail)
