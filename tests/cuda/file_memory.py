"""The memory of a card without a card: files in a folder, which processes open as CUDA's handles are opened."""

from __future__ import annotations

import mmap
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from shared.memory.layout import HANDLE_BYTES
from shared.model.errors import Misconfigured, Unavailable
from tests.cuda.emulated import EmulatedCard

if TYPE_CHECKING:
    from pathlib import Path

    from shared.cuda.device import Device, DeviceArray

FREED = 0xDE
"""What freed memory is full of: who still looks at it sees that."""


class WatchedCard(EmulatedCard):
    """An emulated card that remembers how it was ordered with others."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def synchronize(self) -> None:
        self.told.append("synchronize")


class FileBlock:
    """As `shared.memory.card_memory.Block`."""

    def __init__(self, path: Path, *, is_own: bool) -> None:
        self._path, self._is_own = path, is_own
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 0)
        self.handle = path.name.encode().ljust(HANDLE_BYTES, b"\0")
        self.array: DeviceArray = np.frombuffer(self._memory, np.uint8)

    def close(self) -> None:
        if self._is_own:
            self.array[:] = FREED
            self._path.unlink()
        del self.array
        with suppress(BufferError):
            self._memory.close()


class FileEvent:
    """As `shared.memory.card_memory.CardEvent`. What an emulated card is told is done at once, or held back."""

    def __init__(self, path: Path, *, is_own: bool) -> None:
        self._path, self._is_own = path, is_own
        self.handle = path.name.encode().ljust(HANDLE_BYTES, b"\0")

    def record(self, device: Device) -> None:
        _note(device, "record")

    def has_come(self) -> bool:
        return self._path.stat().st_size == 0

    def hold_back(self, *, held: bool) -> None:
        """As if the card had not come to it yet; it has, once it is held no more."""
        self._path.write_bytes(b"held" if held else b"")

    def close(self) -> None:
        if self._is_own:
            self._path.unlink()


class FileMemory:
    """As `shared.memory.card_memory.CardMemory`; travels to other processes as it is."""

    def __init__(self, folder: Path, card: str = "emulated", most_bytes: int = 1 << 30) -> None:
        self._folder, self.card, self._most = folder, card, most_bytes

    def allocate(self, size_bytes: int) -> FileBlock:
        if size_bytes > self._most:
            raise Misconfigured(f"The emulated card did not give {size_bytes >> 20} MiB.")
        path = self._folder / f"slab-{secrets.token_hex(8)}"
        with path.open("wb") as file:
            file.truncate(size_bytes)
        return FileBlock(path, is_own=True)

    def open(self, handle: bytes, size_bytes: int) -> FileBlock:
        block = FileBlock(self._found(handle), is_own=False)
        assert block.array.nbytes == size_bytes
        return block

    def event(self) -> FileEvent:
        path = self._folder / f"event-{secrets.token_hex(8)}"
        path.touch()
        return FileEvent(path, is_own=True)

    def open_event(self, handle: bytes) -> FileEvent:
        return FileEvent(self._found(handle), is_own=False)

    def _found(self, handle: bytes) -> Path:
        path = self._folder / handle.rstrip(b"\0").decode()
        if not path.exists():
            raise Unavailable("The emulated card does not pass that on.")
        return path


def _note(device: Device, word: str) -> None:
    if isinstance(device, WatchedCard):
        device.told.append(word)
