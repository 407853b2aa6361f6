"""Memory of a card and events that processes pass to each other by handle: CUDA's inter-process communication."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, cast

from shared.cuda import card
from shared.memory.layout import HANDLE_BYTES
from shared.model.errors import FrameLost, Misconfigured, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.cuda.card import Card
    from shared.cuda.device import Device, DeviceArray


_NOT_READY = 600
"""cudaErrorNotReady of the CUDA runtime."""


class Block(Protocol):
    """A block of the card's memory, of one's own or another process's."""

    @property
    def handle(self) -> bytes:
        """What another process opens it by; 64 bytes."""
        ...

    @property
    def array(self) -> DeviceArray:
        """The whole of it, uint8 [bytes]. Of no use after `close`."""
        ...

    def close(self) -> None:
        """Free it if it is one's own, else let go of it. What the card was told to do with it must be done."""
        ...


class CardEvent(Protocol):
    """A point in a device's work, of which another process sees whether it has come. It is recorded again and again."""

    @property
    def handle(self) -> bytes:
        """What another process opens it by; 64 bytes."""
        ...

    def record(self, device: Device) -> None:
        """It comes when all is done that the device was told so far. Does not wait."""
        ...

    def has_come(self) -> bool:
        """Whether all is done that it was recorded after last; True if it never was.

        Raises FrameLost if the card does not say.
        """
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class CardMemory(Protocol):
    """What makes and opens them, on one card. What is opened twice in one process is passed on once."""

    @property
    def card(self) -> str:
        """Which card it is, at most 64 ASCII characters, the same in every process of the machine."""
        ...

    def allocate(self, size_bytes: int) -> Block:
        """New memory, contents undefined. Raises Misconfigured if it is not to be had."""
        ...

    def open(self, handle: bytes, size_bytes: int) -> Block:
        """Memory of another process, or of this one. Raises Unavailable if the card does not pass it on."""
        ...

    def event(self) -> CardEvent:
        """A new event. Raises Misconfigured."""
        ...

    def open_event(self, handle: bytes) -> CardEvent:
        """An event of another process, or of this one. Raises Unavailable."""
        ...


class CudaMemory:
    """A real card's, by CuPy."""

    def __init__(self, number: int = 0) -> None:
        """number: of the card, as CUDA counts them, from 0. Raises Misconfigured if it cannot be used."""
        if reason := card.why_not():
            raise Misconfigured(f"The card {number} cannot be used: {reason}.")
        import cupy  # noqa: PLC0415  -- a second, and only where a card is used

        self._cupy, self._runtime = cupy, cupy.cuda.runtime
        self._device = cupy.cuda.Device(number)
        self._lock = threading.Lock()
        self._known: dict[bytes, _Known] = {}
        try:
            properties = self._runtime.getDeviceProperties(number)
            self.card = f"{self._runtime.deviceGetPCIBusId(number)} {properties['uuid'].hex()}"[:HANDLE_BYTES]
        except self._runtime.CUDARuntimeError as error:
            raise Misconfigured(f"The card {number} cannot be used: {error}.") from error

    def allocate(self, size_bytes: int) -> Block:
        """As `CardMemory` says."""
        runtime = self._runtime

        def make() -> tuple[bytes, int]:
            pointer = runtime.malloc(size_bytes)
            return bytes(runtime.ipcGetMemHandle(pointer)), pointer

        known = self._made(make, runtime.free, f"{size_bytes >> 20} MiB of the card's memory")
        return _CudaBlock(self, known, self._array(known.value, size_bytes))

    def open(self, handle: bytes, size_bytes: int) -> Block:
        """As `CardMemory` says."""
        known = self._opened(handle, self._runtime.ipcOpenMemHandle, self._runtime.ipcCloseMemHandle)
        return _CudaBlock(self, known, self._array(known.value, size_bytes))

    def event(self) -> CardEvent:
        """As `CardMemory` says."""
        runtime = self._runtime

        def make() -> tuple[bytes, int]:
            event = runtime.eventCreateWithFlags(runtime.eventInterprocess | runtime.eventDisableTiming)
            return bytes(runtime.ipcGetEventHandle(event)), event

        return _CudaEvent(self, self._made(make, runtime.eventDestroy, "an event that processes share"))

    def open_event(self, handle: bytes) -> CardEvent:
        """As `CardMemory` says."""
        return _CudaEvent(self, self._opened(handle, self._runtime.ipcOpenEventHandle, self._runtime.eventDestroy))

    def record(self, event: int, device: Device) -> None:
        """Of CUDA's event, on the stream of a `Card`."""
        self._runtime.eventRecord(event, cast("Card", device).stream.ptr)

    def has_come(self, event: int) -> bool:
        """Of CUDA's event. Raises FrameLost."""
        status = self._runtime.eventQuery(event)
        if status not in (0, _NOT_READY):
            raise FrameLost(f"CUDA does not say whether the frame is written (error {status}).")
        return bool(status == 0)

    def let_go(self, known: _Known) -> None:
        """One user less; the last one ends it."""
        with self._lock:
            known.users -= 1
            if known.users:
                return
            if self._known.get(known.handle) is known:  # else CUDA has given the handle again
                del self._known[known.handle]
        with self._device, suppress(self._runtime.CUDARuntimeError):  # whose it was may be dead: it is given back
            known.end(known.value)

    def _made(self, make: Callable[[], tuple[bytes, int]], end: Callable[[int], None], what: str) -> _Known:
        try:
            with self._device:
                handle, value = make()
        except self._runtime.CUDARuntimeError as error:
            raise Misconfigured(f"CUDA did not give {what}: {error}.") from error
        known = _Known(handle, value, end)
        with self._lock:
            self._known[handle] = known  # who made it cannot open it by CUDA: the very thing is given instead
        return known

    def _opened(self, handle: bytes, open_: Callable[[bytes], int], end: Callable[[int], None]) -> _Known:
        with self._lock:
            known = self._known.get(handle)
            if known is None:
                try:
                    with self._device:
                        known = self._known[handle] = _Known(handle, open_(handle), end, users=0)
                except self._runtime.CUDARuntimeError as error:
                    raise Unavailable(
                        f"CUDA does not pass on what another process has on the card: {error}."
                    ) from error
            known.users += 1
            return known

    def _array(self, pointer: int, size_bytes: int) -> DeviceArray:
        memory = self._cupy.cuda.UnownedMemory(pointer, size_bytes, self, self._device.id)
        return self._cupy.ndarray((size_bytes,), self._cupy.uint8, self._cupy.cuda.MemoryPointer(memory, 0))


class _Known:
    """A pointer or an event of CUDA in this process, and how many use it."""

    def __init__(self, handle: bytes, value: int, end: Callable[[int], Any], users: int = 1) -> None:
        self.handle, self.value, self.end, self.users = handle, value, end, users


class _CudaBlock:
    """As `Block`."""

    def __init__(self, memory: CudaMemory, known: _Known, array: DeviceArray) -> None:
        self._memory, self._known, self.array = memory, known, array
        self.handle = known.handle

    def close(self) -> None:
        self._memory.let_go(self._known)


class _CudaEvent:
    """As `CardEvent`."""

    def __init__(self, memory: CudaMemory, known: _Known) -> None:
        self._memory, self._known = memory, known
        self.handle = known.handle

    def record(self, device: Device) -> None:
        self._memory.record(self._known.value, device)

    def has_come(self) -> bool:
        return self._memory.has_come(self._known.value)

    def close(self) -> None:
        self._memory.let_go(self._known)
