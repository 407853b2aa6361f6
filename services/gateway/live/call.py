"""A live stream of one client, whichever way it comes in: what it wants is checked, and a lane takes it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from services.gateway.access import ANYBODY
from services.gateway.live.account import LiveAccount
from services.gateway.live.lane import opened, refuse_without_lanes
from services.gateway.live.messages import opened_message
from services.gateway.live.settings import context_of, frames_of, names_look, new_token, read_settings, read_token
from services.gateway.live.talk import LiveTalk
from services.gateway.problems import Refusal
from services.gateway.quotas import metered
from shared.model.live import OpenLive
from shared.runtime.logs import about

if TYPE_CHECKING:
    from services.gateway.access import Caller
    from services.gateway.live.desk import LiveDesk
    from services.gateway.live.giving import Send
    from services.gateway.live.taking import Client
    from shared.model.errors import VisavisError
    from visavis.v1 import streams_pb2


class LiveCall:
    """One stream of one client."""

    def __init__(self, desk: LiveDesk, client: Client, send: Send, trace_id: str, caller: Caller = ANYBODY) -> None:
        """client: what it says; the end of that says that no packet follows. send: returns when the message is out."""
        self.account = LiveAccount(desk.measures.settled)
        self._desk = desk
        self._client = client
        self._caller = caller
        self._send = send
        self._trace_id = trace_id
        self._talk: LiveTalk | None = None
        self._session = ""
        self._stopped: VisavisError | None = None

    async def run(self) -> None:
        """Serve the stream to its end; the account is the last that is sent, where it was opened.

        Raises Rejected and Refusal for what the client did wrong, Refusal `no-room`, `idle`, `gone` and
        `quota-exceeded`, Unavailable
        where it may come back, and whatever `client` and `send` raise.
        """
        desk = self._desk
        with desk.room():
            said = await self._first()
            presence = desk.admission.presence
            settings, token = read_settings(said, presence), read_token(said)
            resume, token = bool(token), token or new_token()
            context = context_of(token, self._caller.owner)
            if resume and not names_look(said):
                past = await desk.pasts.find(context)
                resume = past is not None  # without its look, nothing of it: `resumed` says that all of it is there
                settings = settings if past is None else msgspec.structs.replace(settings, look=past.look)
            await desk.admission.check(settings.look, settings.models, keeps_alpha=False)
            refuse_without_lanes(presence)  # before a stream that has one is ended for it
            wanted = OpenLive(session="", settings=settings, context=context, resume=resume)
            async with (
                desk.owning(context, self._stop),
                self._caller.session(self._stop, *frames_of(settings)) as hold,
                opened(desk.bus, desk.telemetry, presence, wanted) as link,
            ):
                client = metered(self._client, self._caller.quota, hold)
                self._talk = LiveTalk(desk, link, settings, self.account, client, self._send)
                self._talk.hold = hold
                if self._stopped is not None:
                    raise self._stopped
                self._session = link.session
                with about(session=link.session):
                    await self._talk.run(opened_message(token, self._trace_id))

    def facts(self) -> dict[str, Any]:
        """What the log says of it: its session and its account."""
        return self.account.facts() | ({"session": self._session} if self._session else {})

    def _stop(self, why: VisavisError) -> None:
        """End the stream soon, whether it is open already or not."""
        self._stopped = why
        if self._talk is not None:
            self._talk.stop(why)

    async def _first(self) -> streams_pb2.StreamSettings:
        seconds = self._desk.settings.live_idle_seconds
        try:
            async with asyncio.timeout(seconds):
                message = await anext(self._client, None)
        except TimeoutError as error:
            raise Refusal("idle", f"No settings came for {seconds:g} s (live_idle_seconds).") from error
        if message is None or message.WhichOneof("message") != "settings":
            raise Refusal("malformed-request", "The first message of a stream must be its `settings`.")
        return message.settings
