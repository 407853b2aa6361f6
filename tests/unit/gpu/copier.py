"""A process that copies planes of pixels to the host, or does not, while it is watched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from shared.cuda.card import Card
from tests.cuda.traced import CARD, DTOH, PINNED, FakeCupti
from tests.gpu.watching import Watch

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from pathlib import Path

    from tests.gpu.watching import Profiling

PLANE = (1080, 1920)


class Copier:
    """By words."""

    def __init__(self, profiling: Profiling, fake: Path | None) -> None:
        """fake: the CUPTI of an emulated card; None: the card is a real one."""
        self._watch = Watch(profiling)
        self._device = profiling.device()
        self._fake = fake
        self._planes: list[Any] = [self._device.upload(np.zeros(PLANE, np.uint8)) for _ in range(2)]

    def begin(self) -> None:
        self._watch.begin()

    def end(self) -> Any:
        return self._watch.end()

    def compute(self) -> None:
        """What stays on the card."""
        one, other = self._planes
        for _ in range(4):
            self._device.copy(one, other)
            if isinstance(self._device, Card):
                with self._device.stream:
                    other += 1
        self._device.synchronize()

    def fetch(self) -> None:
        """A plane, by the device."""
        self._device.download(self._planes[0])

    def fetch_by_library(self) -> None:
        """A plane, by one who asks no device of ours: CuPy, on a card."""
        if self._fake is None:
            self._planes[0].get()
        else:
            FakeCupti(self._fake).copy(DTOH, (CARD, PINNED), PLANE[0] * PLANE[1])

    def fetch_by_graph(self) -> bool:
        """A plane, by what was recorded before; whether it could be."""
        target = self._device.pinned(PLANE[0] * PLANE[1]).reshape(PLANE)

        def fetch() -> None:
            self._device.fetch(self._planes[0], target)

        play = self._device.recorded(fetch)
        play()
        self._device.synchronize()
        return play is not fetch


def serve(pipe: Connection, profiling: Profiling, fake: Path | None) -> None:
    """Be it: greet, then answer every word by what it comes to."""
    copier = Copier(profiling, fake)
    pipe.send("ready")
    while True:
        [word] = pipe.recv()
        pipe.send(getattr(copier, word)())
