"""Lanes that the suites of the frame pools run on: frames on the host, on an emulated card, and on a card."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pytest

from shared.cuda.card import Card
from shared.cuda.pictures import CardPicture
from shared.memory.card_memory import CudaMemory
from shared.memory.card_pool import CardPool
from shared.memory.card_reader import CardReader
from shared.memory.host import HostPool
from shared.memory.reader import HostReader
from tests.cuda.devices import MISSING
from tests.cuda.emulated import EmulatedCard
from tests.cuda.file_memory import FileMemory

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from shared.cuda.device import Device
    from shared.memory.card_memory import CardMemory
    from shared.memory.layout import SlotClass
    from shared.model.frames import FrameReference
    from shared.model.pictures import Colour, Geometry, Picture


class Lane(Protocol):
    """What a pool under test is made of. It travels to other processes."""

    path: Path

    def own(self, *classes: SlotClass) -> HostPool | CardPool:
        """A new owner: a new epoch."""
        ...

    def reader(self, name: str = "reader") -> HostReader | CardReader:
        """A reader, not yet open."""
        ...

    def write(self, pool: Any, slot: int, geometry: Geometry, colour: Colour, value: int) -> None:
        """Fill a leased slot."""
        ...

    def read(self, reader: Any, reference: FrameReference) -> AbstractContextManager[Picture | CardPicture]:
        """A frame in place."""
        ...

    def values(self, picture: Any) -> set[int]:
        """Every value that is in it now."""
        ...


class HostLane:
    """A lane whose frames lie in the memory of this host."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "visavis-contract"

    def own(self, *classes: SlotClass) -> HostPool:
        return HostPool.create(self.path, classes)

    def reader(self, name: str = "reader") -> HostReader:
        return HostReader(self.path, name)

    def write(self, pool: HostPool, slot: int, geometry: Geometry, colour: Colour, value: int) -> None:
        for plane in pool.writable(slot, geometry, colour).planes:
            plane[:] = value

    def read(self, reader: HostReader, reference: FrameReference) -> AbstractContextManager[Picture]:
        return reader.read(reference)

    def values(self, picture: Picture) -> set[int]:
        return {value for plane in picture.planes for value in np.unique(plane).tolist()}


class EmulatedLane:
    """A lane whose frames lie on a card that is none."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "visavis-contract"

    def __getstate__(self) -> dict[str, Path]:
        return {"folder": self.folder, "path": self.path}

    @cached_property
    def device(self) -> Device:
        """Of this process."""
        return EmulatedCard()

    @cached_property
    def memory(self) -> CardMemory:
        """Of this process."""
        return FileMemory(self.folder)

    def own(self, *classes: SlotClass) -> CardPool:
        return CardPool.create(self.path, classes, self.memory)

    def reader(self, name: str = "reader") -> CardReader:
        return CardReader(self.path, name, self.memory)

    def write(self, pool: CardPool, slot: int, geometry: Geometry, colour: Colour, value: int) -> None:
        for plane in pool.writable(slot, geometry, colour).planes:
            self.device.copy(self.device.upload(np.full(plane.shape, value, np.uint8)), plane)
        pool.written(slot, self.device)

    def read(self, reader: CardReader, reference: FrameReference) -> AbstractContextManager[CardPicture]:
        return reader.read(reference, self.device)

    def values(self, picture: CardPicture) -> set[int]:
        planes = picture.downloaded(self.device).planes
        return {value for plane in planes for value in np.unique(plane).tolist()}


class CardLane(EmulatedLane):
    """A lane whose frames lie on a card."""

    @cached_property
    def device(self) -> Device:
        return Card()

    @cached_property
    def memory(self) -> CardMemory:
        return CudaMemory()


ON_CARD = [
    pytest.param(EmulatedLane, id="emulated"),
    pytest.param(CardLane, id="card", marks=[pytest.mark.gpu, pytest.mark.skipif(bool(MISSING), reason=MISSING)]),
]
"""Every kind of pool on a card. Each is made with a folder."""
LANES = [pytest.param(HostLane, id="host"), *ON_CARD]
"""Every kind of frame pool."""
