"""Decoders: reads untrusted media in fresh, limited child processes, which write frames into slots they are granted."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import deque
from typing import TYPE_CHECKING

from services.ingest.decoders.decoding import DecoderDied, DecoderExceeded, Decoding
from services.ingest.decoders.forking import Forkery
from services.ingest.decoders.live import LiveDecoding
from services.ingest.messages.decoder import DecodedFrame, Join, PlanVideo, ReadAsset, ReadLive, ReadStill, ReadVideo
from shared.model.errors import Unavailable

if TYPE_CHECKING:
    from services.ingest.decoders.forking import Child
    from services.ingest.limits import IngestLimits
    from shared.model.media import MediaKind, Plan

_RESTOCK_AFTER_SECONDS = 0.1
"""A new spare process is made when the task that took the last one is under way, so that they do not compete."""

__all__ = [
    "DecodedFrame",
    "DecoderDied",
    "DecoderExceeded",
    "Decoders",
    "Decoding",
    "Join",
    "LiveDecoding",
    "PlanVideo",
    "ReadAsset",
    "ReadLive",
    "ReadStill",
    "ReadVideo",
]


class Decoders:
    """Makes decoder processes. A few wait ready, so that a task finds one without waiting for a fork."""

    def __init__(self, pool_fd: int, limits: IngestLimits, spare: int = 1) -> None:
        """pool_fd: the open file of the frame pool. spare: how many processes wait for a task."""
        self.limits = limits
        self.network = ""
        """After `start`: whether decoder processes can reach a network, in words for a log."""
        self._pool_fd, self._spare = pool_fd, spare
        self._pool_bytes = os.fstat(pool_fd).st_size
        self._forkery = Forkery(pool_fd, limits)
        self._ready: deque[Child] = deque()
        self._restocking: asyncio.Task[None] | None = None
        self._reviving = asyncio.Lock()

    async def start(self) -> None:
        """Start the fork server and the spare processes. Raises Unavailable if that fails."""
        self.network = await self._forkery.start()
        await self._restock()

    async def close(self) -> None:
        """End every process; returns when all are dead."""
        if self._restocking is not None:
            self._restocking.cancel()
            with contextlib.suppress(asyncio.CancelledError, Unavailable):
                await self._restocking
        while self._ready:
            self._ready.popleft().connection.close()
        await self._forkery.close()

    @property
    def busy_seconds(self) -> float:
        """Processor time of the processes that run, and of those that have ended."""
        return self._forkery.busy_seconds

    def decode(self, task: ReadVideo | ReadStill) -> Decoding:
        """A context that reads one picture or video."""
        return Decoding(self.take_child, task, self.limits, self._pool_bytes)

    def decode_live(self, task: ReadLive) -> LiveDecoding:
        """A context that decodes frames as they come."""
        return LiveDecoding(self.take_child, task, self.limits, self._pool_bytes)

    async def plan(self, task: PlanVideo) -> Plan:
        """Where a video can be cut into segments, and its facts. Raises Rejected, DecoderExceeded or DecoderDied."""
        async with Decoding(self.take_child, task, self.limits, self._pool_bytes) as planning:
            return await planning.planned()

    async def join(self, task: Join) -> MediaKind:
        """Join parts and sound into one file, in a process of its own; returns what was written.

        Raises Rejected, DecoderExceeded or DecoderDied.
        """
        async with Decoding(self.take_child, task, self.limits, self._pool_bytes) as joining:
            return await joining.joined()

    async def read_asset(self, task: ReadAsset) -> None:
        """Make an upload an asset, in a process of its own; what lies in the target is still to be checked.

        Raises Rejected, DecoderExceeded or DecoderDied.
        """
        async with Decoding(self.take_child, task, self.limits, self._pool_bytes) as reading:
            await reading.asset_read()

    async def take_child(self) -> Child:
        """A process that has served nobody yet. Whoever takes it ends it. Raises Unavailable."""
        while self._ready:
            child = self._ready.popleft()
            if not child.is_dead:
                self._restock_later()
                return child
            child.connection.close()
        self._restock_later()
        try:
            return await self._forkery.fork()
        except Unavailable:
            await self._revive()
            return await self._forkery.fork()

    def _restock_later(self) -> None:
        if self._restocking is None or self._restocking.done():
            self._restocking = asyncio.create_task(self._restock(_RESTOCK_AFTER_SECONDS))

    async def _restock(self, after_seconds: float = 0.0) -> None:
        await asyncio.sleep(after_seconds)
        while len(self._ready) < self._spare and self._forkery.is_alive:
            try:
                self._ready.append(await self._forkery.fork(spare=True))
            except Unavailable:
                return  # whoever needs a process next starts a new fork server

    async def _revive(self) -> None:
        """A new fork server in place of one that has ended. Many may ask for it at once; one is started."""
        async with self._reviving:
            if not self._forkery.is_alive:
                await self._forkery.close()
                self._forkery = Forkery(self._pool_fd, self.limits)
                self.network = await self._forkery.start()
