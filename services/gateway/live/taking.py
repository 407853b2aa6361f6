"""What the client of a live stream says, on its way to the lane."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from services.gateway.live.account import MOST_UNDER_WAY
from services.gateway.live.messages import look_refused_message
from services.gateway.live.settings import read_wanted_look
from services.gateway.problems import Refusal
from shared.model.errors import Rejected, Unavailable
from shared.model.live import LiveEnded, LivePacket, LookWanted, Reason
from visavis.v1 import streams_pb2

if TYPE_CHECKING:
    from services.gateway.live.account import LiveAccount
    from services.gateway.live.desk import LiveDesk
    from services.gateway.live.flow import LiveFlow
    from services.gateway.live.giving import Giver
    from services.gateway.live.lane import LaneLink
    from shared.model.live import LiveSettings

Client = AsyncIterator[streams_pb2.ClientMessage]
MOST_PTS = 1 << 60
"""Farther from 0 sums of times would leave the 64 bits that they have."""


class Taker:
    """Takes no faster than the lane and the client's own reading allow."""

    def __init__(
        self,
        client: Client,
        desk: LiveDesk,
        link: LaneLink,
        settings: LiveSettings,
        account: LiveAccount,
        flow: LiveFlow,
        giver: Giver,
    ) -> None:
        self._client = client
        self._desk = desk
        self._link = link
        self._settings = settings
        self._account = account
        self._flow = flow
        self._giver = giver
        self._changes = 0
        self._pts: dict[int, int] = {}
        self._last_key = -1
        self._skips = False
        self._left_out = False
        self.heard_at: float | None = time.monotonic()
        """When the client said something last; None: it has nothing more to say."""

    async def run(self) -> None:
        """Take until the client says that no packet follows, and tell the lane so.

        Raises Rejected or Refusal for what may not be said, and what the client's side of the connection raises.
        """
        async for message in self._client:
            self.heard_at = time.monotonic()
            kind = message.WhichOneof("message")
            if kind == "end":
                break
            await self._take(kind, message)
            await self._giver.until_room()
        self.heard_at = None
        await self._link.say(LiveEnded())

    async def _take(self, kind: str | None, message: streams_pb2.ClientMessage) -> None:
        match kind:
            case "packet":
                await self._packet(message.packet)
            case "change_look":
                await self._look(message.change_look)
            case "request_key_frame":
                await self._flow.want_key()
            case "pause" | "unpause":
                await self._flow.pause(paused=kind == "pause")
            case "settings":
                raise Refusal("malformed-request", "The `settings` of a stream come once: for others open another.")
            case _:
                raise Refusal("malformed-request", "A message says nothing that is known here: see `ClientMessage`.")

    async def _packet(self, packet: streams_pb2.Packet) -> None:
        most = self._desk.settings.max_live_packet_bytes
        if len(packet.data) > most:
            raise Rejected("too-large", f"A packet has more than {most} bytes (max_live_packet_bytes).")
        if abs(packet.pts) > MOST_PTS:
            raise Refusal("malformed-request", "A pts is beyond 2^60: let the clock begin nearer to 0.")
        if not packet.data:
            raise Refusal("malformed-request", "A packet is empty: leave out frames that there are not.")
        number = self._account.receive()
        if packet.key:
            self._last_key, self._skips, self._left_out = number, False, False
        if self._skips:
            self._left_out = True
            self._giver.leave_out((number,), Reason.OVERLOAD)
            return
        self._note(number, packet.pts)
        await self._link.feed(
            LivePacket(
                number=number,
                pts=packet.pts,
                key=packet.key,
                arrived_ns=time.time_ns(),
                body=packet.data,
            )
        )

    def skip_to_key(self, after: int) -> None:
        """The lane cannot decode what comes before the next key frame: it is not sent there, if none came after that
        number already."""
        self._skips = self._last_key <= after

    def waits_for_key(self) -> bool:
        """Whether packets were left out for want of a key frame since this was asked last."""
        left_out, self._left_out = self._left_out, False
        return left_out

    def pts_of(self, number: int, default: int) -> int:
        """What the client called a packet of which a frame has come; asked once. The lane's own times may be mended."""
        return self._pts.pop(number, default)

    def _note(self, number: int, pts: int) -> None:
        self._pts[number] = pts
        if len(self._pts) > MOST_UNDER_WAY:
            del self._pts[next(iter(self._pts))]

    async def _look(self, wanted: streams_pb2.ChangeLook) -> None:
        self._changes += 1
        try:
            look = read_wanted_look(wanted, self._desk.admission.presence)
            await self._desk.admission.check(look, self._settings.models, keeps_alpha=False)
        except (Rejected, Refusal) as error:
            self._giver.tell(look_refused_message(self._changes, error.code, error.detail))
        except Unavailable as error:
            self._giver.tell(look_refused_message(self._changes, "unavailable", str(error)))
        else:
            await self._link.say(LookWanted(look=look, change=self._changes))
