"""What the lane is told of whether frames are wanted just now; only when that changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.model.live import FlowChanged, KeyFrameWanted

if TYPE_CHECKING:
    from services.gateway.live.lane import LaneLink


class LiveFlow:
    """Paused by the client, held because it does not take what it is sent, in need of a key frame because of that."""

    def __init__(self, link: LaneLink) -> None:
        self._link = link
        self._paused = False
        self._held = False
        self._key_wanted = False

    @property
    def paused(self) -> bool:
        """The client wants none for a while."""
        return self._paused

    async def pause(self, *, paused: bool) -> None:
        """The client wants none for a while, or again."""
        if paused != self._paused:
            self._paused = paused
            await self._tell()

    async def follow(self, *, held: bool, broken: bool) -> None:
        """held: the client takes none. broken: what it was sent does not go on before a key frame."""
        if held != self._held:
            self._held = held
            await self._tell()
        if broken and not self._key_wanted:
            await self.want_key()
        self._key_wanted = broken

    async def want_key(self) -> None:
        """The next frame is to be a key frame."""
        await self._link.say(KeyFrameWanted())

    async def _tell(self) -> None:
        await self._link.say(FlowChanged(paused=self._paused, held=self._held))
