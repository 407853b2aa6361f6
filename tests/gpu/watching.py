"""One process of a profile: what it has copied from one word to another."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from shared.cuda.device import Device
from shared.model.errors import Misconfigured
from tests.gpu.copies import TO_CARD, TO_HOST, Account
from tests.gpu.noting import NOTES
from tests.gpu.workers import WorkerError, Workers

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.gpu.recorder import Recorder

PROBE_BYTES, PLAYED_BYTES = 4099, 4111
"""Of what is copied to see that the profile sees it: odd sizes, which nothing else has."""
PROBES = 3
TRIAL_SECONDS = 90.0


class SettlingDevice(Device, Protocol):
    """A device that notes what it is asked for, and knows when the whole process is done."""

    def settle(self) -> None:
        """Wait for all that this process has told the card, by whatever stream."""
        ...


class Profiling(NamedTuple):
    """What processes are watched by. It travels to them."""

    recorder: Callable[[], Recorder]
    device: Callable[[], SettlingDevice]


class Watch:
    """Of this process. To be made before its first call of CUDA."""

    def __init__(self, profiling: Profiling) -> None:
        self._recorder = profiling.recorder()
        self._open = profiling.device
        self._device: SettlingDevice | None = None
        self._fetch: Callable[[], None] = _nothing
        self._play: Callable[[], None] = _nothing

    def begin(self) -> None:
        """From now on everything counts."""
        if self._device is None:
            self._device = self._open()
            self._fetch = self._fetching(self._device)
            self._play = self._device.recorded(self._fetch)
        self._device.settle()
        self._recorder.taken()
        NOTES.taken()

    def end(self) -> Account:
        """All since `begin`."""
        assert self._device is not None, "it has not begun"
        self._device.settle()
        asked = NOTES.taken()
        for _ in range(PROBES):
            self._device.download(self._device.upload(np.zeros(PROBE_BYTES, np.uint8)))
            self._play()
        self._device.settle()
        seen, lost = self._recorder.taken()
        NOTES.taken()
        probes = Counter({(way, PROBE_BYTES): PROBES for way in (TO_HOST, TO_CARD)})
        probes[TO_HOST, PLAYED_BYTES] = PROBES
        blind = f"It lost {lost} copies." if lost else ""
        return Account(seen, asked, blind, self._play is not self._fetch).without(probes)

    @staticmethod
    def _fetching(device: SettlingDevice) -> Callable[[], None]:
        """A copy to the host which can be recorded as a CUDA graph, as runs of models are."""
        source, target = device.empty((PLAYED_BYTES,), np.uint8), device.pinned(PLAYED_BYTES)

        def fetch() -> None:
            device.fetch(source, target)

        fetch()
        device.settle()
        return fetch


def tried(profiling: Profiling) -> None:
    """See in a process of its own that copies are seen, before many are started: this one is not to be watched.

    Raises Misconfigured.
    """
    with Workers(["trial"], _try, profiling) as workers:
        workers.start(["trial"])
        try:
            blind = workers.heard(["trial"], TRIAL_SECONDS)["trial"]
        except WorkerError as error:
            raise Misconfigured(f"It cannot be tried whether copies are seen: {error}") from error
    if blind:
        raise Misconfigured(f"Copies are not seen. {blind}")


def _try(name: str, tell: Callable[[str], None], inboxes: dict[str, Any], profiling: Profiling) -> None:
    watch = Watch(profiling)
    watch.begin()
    tell(watch.end().blind)
    inboxes[name].get()


def _nothing() -> None:
    return
