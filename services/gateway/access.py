"""Who asks: the key that comes with a request, what it may be used for, and whether it still holds."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING

from services.gateway.problems import Refusal
from services.gateway.quotas import KeyQuota
from shared.model.errors import Lost, Malformed, Unavailable
from shared.model.keys import Quotas, Scope, split_key
from shared.runtime.logs import log
from shared.runtime.telemetry import is_traced

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from services.gateway.quotas import Hold
    from services.gateway.settings import GatewaySettings
    from shared.model.errors import VisavisError
    from shared.model.keys import KeyRecord
    from shared.runtime.telemetry import Telemetry
    from shared.transport.keys import KeyRing

MOST_KNOWN = 10_000
"""Prefixes that are remembered; of more the one that was asked for longest ago is forgotten."""
_CHALLENGE = 'Bearer realm="visavis"'


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose request it is."""

    owner: str = ""
    """The key's prefix; empty where keys are not asked for."""
    scopes: frozenset[Scope] = frozenset(Scope)
    quota: KeyQuota = field(default_factory=lambda: KeyQuota(Quotas()))
    access: Access | None = None
    """Who knows whether the key still holds; None: there is no key."""

    def sees(self, owner: str) -> bool:
        """Whether what that key has made is there for this caller."""
        return self.access is None or owner == self.owner

    @property
    def may_remove_for_all(self) -> bool:
        """Whether what several keys may have goes when this caller removes it."""
        return self.access is None or Scope.OPERATIONS in self.scopes

    def sees_trace(self, owner: str) -> bool:
        """Whether a trace is there for this caller that is that key's; empty: nobody's."""
        return self.access is None or Scope.OPERATIONS in self.scopes or owner == self.owner

    @asynccontextmanager
    async def session(
        self, stop: Callable[[VisavisError], None], frame_pixels: int = 0, rate: float = 0.0
    ) -> AsyncIterator[Hold]:
        """Around a live stream, counted as by KeyQuota.session; `stop` is called if the key is revoked meanwhile.

        Raises Refusal `quota-exceeded`.
        """
        with self.quota.session(frame_pixels, rate) as hold:
            watching = asyncio.create_task(self._watch(stop))
            try:
                yield hold
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)

    async def _watch(self, stop: Callable[[VisavisError], None]) -> None:
        while self.access is not None:
            await asyncio.sleep(self.access.cache_seconds)
            with suppress(Unavailable):  # that nobody can say it is no reason to end what runs
                if not await self.access.holds(self.owner):
                    stop(Refusal("unauthenticated", "The key was revoked or has expired."))
                    return


ANYBODY = Caller()
"""Who comes where no keys are asked for."""


class Access:
    """Knows the keys that were used lately."""

    def __init__(self, ring: KeyRing, *, asked: bool, cache_seconds: float) -> None:
        """asked: whether keys are asked for. cache_seconds: what is known of a key is asked for anew after so long."""
        self.asked = asked
        self.cache_seconds = cache_seconds
        self._ring = ring
        self._known: OrderedDict[str, tuple[float, KeyRecord | None]] = OrderedDict()
        self._quotas: dict[str, KeyQuota] = {}

    async def admit(self, authorization: str, scope: Scope | None) -> Caller:
        """Whose key that is. authorization: `Bearer KEY`; scope: what is asked for, None: that there is a key.

        Raises Refusal `unauthenticated` or `forbidden`, Unavailable if the store does not answer.
        """
        if not self.asked:
            return ANYBODY
        scheme, _, text = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise _unauthenticated("Send a key: `Authorization: Bearer KEY`.", _CHALLENGE)
        parts = split_key(text.strip())
        record = await self._record(parts[0]) if parts else None
        if parts is None or record is None or not record.fits(parts[1]) or not record.holds(time.time()):
            sentence = "There is no such key, or it was revoked or has expired."
            raise _unauthenticated(sentence, f'{_CHALLENGE}, error="invalid_token"')
        if scope is not None and scope not in record.scopes:
            challenge = f'{_CHALLENGE}, error="insufficient_scope", scope="{scope}"'
            detail = f"The key's scopes do not have `{scope}`."
            raise Refusal("forbidden", detail, headers={"WWW-Authenticate": challenge})
        return Caller(record.prefix, frozenset(record.scopes), self._quota(record), self)

    async def holds(self, prefix: str) -> bool:
        """Whether a key can be used now. Raises Unavailable."""
        record = await self._record(prefix)
        return record is not None and record.holds(time.time())

    async def _record(self, prefix: str) -> KeyRecord | None:
        read_at, record = self._known.get(prefix, (-float("inf"), None))
        now = time.monotonic()
        if now - read_at >= self.cache_seconds:
            record = await self._read(prefix)
            self._known[prefix] = now, record
        self._known.move_to_end(prefix)
        if len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)
        return record

    async def _read(self, prefix: str) -> KeyRecord | None:
        try:
            return await self._ring.read(prefix)
        except Lost:
            return None
        except Malformed as error:
            log.error("a key cannot be read", detail=str(error))
            return None
        except Unavailable as error:
            log.warning("keys cannot be read", detail=str(error))
            raise Unavailable("Keys cannot be looked up, for now.") from error  # who asks may have none

    def _quota(self, record: KeyRecord) -> KeyQuota:
        """The account of a key; a new one if its quotas were changed."""
        found = self._quotas.get(record.prefix)
        if found is None or found.quotas != record.quotas:
            found = self._quotas[record.prefix] = KeyQuota(record.quotas)
        return found


def tell_owner(telemetry: Telemetry, caller: Caller) -> None:
    """Write at once whose the current trace is: the request's own span comes when it is over."""
    if caller.owner and is_traced():
        now_ns = time.time_ns()
        telemetry.spent("admitted", now_ns, now_ns, now_ns, owner=caller.owner)


def keys_are_asked_for(settings: GatewaySettings) -> bool:
    """Whether a gateway of those settings asks for keys."""
    if settings.keys == "auto":
        return not (is_loopback(settings.rest_host) and is_loopback(settings.grpc_host))
    return settings.keys == "always"


def tell_whether_asked(settings: GatewaySettings) -> str:
    """Say in the log where everybody may come; `asked` or `open`, for whoever has started the gateway."""
    if keys_are_asked_for(settings):
        return "asked"
    if not (is_loopback(settings.rest_host) and is_loopback(settings.grpc_host)):
        log.warning("no keys are asked for (VISAVIS_KEYS=never): whoever reaches this address may do everything")
    return "open"


def is_loopback(host: str) -> bool:
    """Whether what listens there can be reached from this machine alone."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _unauthenticated(detail: str, challenge: str) -> Refusal:
    return Refusal("unauthenticated", detail, headers={"WWW-Authenticate": challenge})
