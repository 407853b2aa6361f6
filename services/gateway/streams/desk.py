"""Streams that lanes fetch: begun, looked up, watched, changed and ended here. They live as long as their gateway."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

from services.gateway.access import ANYBODY
from services.gateway.names import is_name, new_name
from services.gateway.problems import Refusal
from services.gateway.streams.owners import StreamOwners
from services.gateway.streams.run import StreamRun
from services.gateway.streams.wishes import read_change, read_wish
from shared.model.errors import Lost
from shared.runtime.logs import log, now_about

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.gateway.access import Caller
    from services.gateway.live.desk import LiveDesk
    from shared.transport.store import ObjectStore

Removal = Literal["ended", "kept", "removed"]
"""What has become of a stream, or of what is kept of it."""
MOST_KEPT = 200
"""Streams that are over and can still be looked up; of more the oldest are forgotten."""
TELL_SECONDS = 1.0
"""Watchers are told of numbers so often; of what else happens at once."""


class StreamDesk:
    """Knows the streams that were begun at this gateway."""

    def __init__(self, live: LiveDesk, store: ObjectStore) -> None:
        self._live = live
        self._store = store
        self._owners = StreamOwners(store)
        self._runs: dict[str, StreamRun] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._watchers: set[asyncio.Event] = set()
        self._closed = False

    def let_go(self) -> None:
        """Watchers hear nothing more: the gateway stops."""
        self._closed = True
        for woken in self._watchers:
            woken.set()

    async def begin(self, body: bytes, trace_id: str, caller: Caller = ANYBODY) -> StreamRun:
        """Have a lane fetch a stream; returns when one has it.

        Raises Rejected or Refusal for what is wrong with the wish, Refusal `no-room` or `unavailable` without a lane,
        and `quota-exceeded`.
        """
        admission = self._live.admission
        wish = read_wish(body, admission.presence)
        await admission.check(wish.look, wish.models, keeps_alpha=False)
        run = StreamRun(new_name(), wish, self._live, trace_id, caller)
        if caller.owner:
            await self._owners.note_key(run.name, caller.owner)
        try:
            await self._until_taken(run)
        except BaseException:
            if caller.owner:
                await asyncio.shield(self._owners.forget_key(run.name))
            raise
        self._forget_oldest()
        self._runs[run.name] = run
        return run

    async def _until_taken(self, run: StreamRun) -> None:
        self._tasks[run.name] = task = asyncio.create_task(self._see_through(run))
        taken = asyncio.create_task(run.taken.wait())
        try:
            await asyncio.wait({task, taken}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            task.cancel()  # who asked is gone and would never know its name
            raise
        finally:
            taken.cancel()
        if not run.taken.is_set():
            await task

    async def owner(self, name: str) -> str | None:
        """The prefix of the key whose stream it is, also of one that is over or at another gateway; None: nobody's."""
        run = self._runs.get(name)
        if run is not None:
            return run.caller.owner
        return await self._owners.key_of(name) if is_name(name) else None

    def all(self) -> list[StreamRun]:
        """Those that are known, the newest first."""
        return list(reversed(self._runs.values()))

    def find(self, name: str) -> StreamRun:
        """A stream. Raises Refusal `not-found`."""
        run = self._runs.get(name)
        if run is None:
            raise Refusal("not-found", "There is no stream of that id at this gateway.")
        return run

    async def change(self, name: str, body: bytes) -> StreamRun:
        """Another look or other outputs. Raises as begin, and Refusal `not-found` and `gone`."""
        run, admission = self.find(name), self._live.admission
        look, outputs = read_change(body, admission.presence)
        if look is not None:
            await admission.check(look, run.wish.models, keeps_alpha=False)
            await run.look(look)
        if outputs is not None:
            await run.outputs(outputs)
        return run

    async def remove(self, name: str, *, keep: bool = False) -> Removal:
        """End a stream; of one that is over remove what is kept of it, unless that is to be left.

        Raises Refusal `not-found`, also for one that another gateway has: it would go on without its files.
        """
        run = self._runs.get(name)
        if run is not None and not run.state.is_final:
            await run.end()
            return "ended"
        unknown = Refusal("not-found", "There is no stream of that id.")
        if not is_name(name):
            raise unknown
        if run is None and await self._owners.is_held(name):
            raise Refusal("not-found", "The stream runs at another gateway, which alone can end it.")
        folder = f"streams/{name}"
        if keep:
            if run is None and not await self._store.names(folder):
                raise unknown
            return "kept"
        kept = await self._store.remove(folder)
        await self._live.pasts.forget(name)
        if not kept and run is None:
            raise unknown
        self._runs.pop(name, None)
        return "removed"

    async def watch(self, name: str, pause_seconds: float) -> AsyncIterator[StreamRun | None]:
        """The stream now, after each change, and now and then; None after every pause. Ends with the stream."""
        run = self.find(name)
        yield run
        woken = asyncio.Event()
        self._watchers.add(woken)
        run.watchers.add(woken)
        quiet, counted = 0.0, run.account.received
        try:
            while not (run.state.is_final or self._closed):
                heard = await _woken(woken)
                is_news = heard or run.account.received != counted
                quiet = 0.0 if is_news else quiet + TELL_SECONDS
                if is_news:
                    counted = run.account.received
                    yield run
                elif quiet >= pause_seconds:
                    quiet = 0.0
                    yield None
        finally:
            self._watchers.discard(woken)
            run.watchers.discard(woken)

    async def size(self, key: str) -> int:
        """Bytes of something that a stream has made. Raises Refusal `not-found`."""
        try:
            return await self._store.size(key)
        except Lost as error:
            raise Refusal("not-found", "There is no such file of this stream, not yet or no more.") from error

    def read(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """Bytes [start, end) of it, piece by piece."""
        return self._store.read(key, start, end)

    async def close(self) -> None:
        """Give up what is still running."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _see_through(self, run: StreamRun) -> None:
        now_about(stream=run.name)
        try:
            with self._live.room():
                async with self._owners.holding(run.name), run.caller.session(run.stop) as run.hold:
                    await run.run()
        except Exception as error:
            if not run.taken.is_set():
                raise  # to whoever asked for it
            log.exception("unexpected")
            run.fail("internal", f"Something broke on our side ({type(error).__name__}).")
        finally:
            self._tasks.pop(run.name, None)
            log.info("stream over", state=run.state, **run.account.facts())

    def _forget_oldest(self) -> None:
        over = [name for name, run in self._runs.items() if run.state.is_final]
        for name in over[: max(0, len(over) - MOST_KEPT + 1)]:
            del self._runs[name]


async def _woken(woken: asyncio.Event) -> bool:
    try:
        async with asyncio.timeout(TELL_SECONDS):
            await woken.wait()
    except TimeoutError:
        return False
    woken.clear()
    return True
