"""One call: signed, posted to a checked address, answered in time or given up."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from services.gateway.callbacks.answers import NotYet, Verdict, verdict_of
from services.gateway.callbacks.rules import SCHEMES, SETTING
from shared.model.errors import Unavailable
from shared.transport.dialing import Dialer
from shared.transport.fetching import Fetcher
from visavis.webhooks import sign

if TYPE_CHECKING:
    from services.gateway.callbacks.rules import CallbackRules
    from shared.model.addresses import RemoteUrl


class Caller:
    """Calls receivers, each over a connection of its own, whose address is checked anew."""

    def __init__(self, rules: CallbackRules, dialer: Dialer | None = None) -> None:
        self._rules = rules
        seconds = rules.patience_seconds
        self._dialer = dialer or Dialer(rules.networks, setting=SETTING, seconds=seconds)

    async def call(self, url: RemoteUrl, message_id: str, body: bytes) -> Verdict:
        """Post a JSON body. Raises Rejected where the address is none that may be called, and sends nothing then."""
        headers = {"Content-Type": "application/json", **sign(self._rules.keys, message_id, int(time.time()), body)}
        try:
            async with (
                asyncio.timeout(self._rules.patience_seconds),
                Fetcher(self._dialer, schemes=SCHEMES, silence_seconds=self._rules.patience_seconds) as fetcher,
            ):
                reply = await fetcher.post(url, body, headers)
        except TimeoutError:
            return NotYet(f"It did not answer within {self._rules.patience_seconds:g} seconds.")
        except Unavailable as error:
            return NotYet(str(error))
        return verdict_of(reply.status, reply.headers, time.time())
