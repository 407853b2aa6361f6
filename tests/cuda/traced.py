"""An emulated card whose copies are recorded as those of a real one are: by a CUPTI that is none."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.cuda.emulated import COMPILER, EmulatedCard
from tests.gpu.noting import Noting

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shared.cuda.device import DeviceArray

SOURCE = Path(__file__).with_name("fake_cupti.cpp")
MEMCPY = 1
HTOD, DTOH, DTOD = 1, 2, 8
PAGEABLE, PINNED, CARD = 1, 2, 3
ASYNC = 1


def build_fake(folder: Path) -> Path:
    """Compiled into `folder`."""
    assert COMPILER is not None
    built = folder / "fake_cupti.so"
    command = [COMPILER, "-std=c++17", "-O2", "-shared", "-fPIC", str(SOURCE), "-o", str(built)]
    subprocess.run(command, check=True, capture_output=True)
    return built


class FakeCupti:
    """Makes the library record; whoever loads it by the same path in this process has the same one."""

    def __init__(self, path: Path) -> None:
        self._library = ctypes.CDLL(str(path))
        self._library.fake_copy.argtypes = [ctypes.c_uint32, *[ctypes.c_uint8] * 4, ctypes.c_uint64]

    def enable(self, activity: int) -> None:
        """As another client would."""
        self._library.cuptiActivityEnable(activity)

    def copy(self, kind: int, memories: tuple[int, int], size_bytes: int, flags: int = ASYNC) -> None:
        """As if the card had made it."""
        self.record(MEMCPY, kind, memories, size_bytes, flags)

    def record(self, activity: int, kind: int, memories: tuple[int, int], size_bytes: int, flags: int = ASYNC) -> None:
        """Of whatever activity, if that is enabled."""
        self._library.fake_copy(activity, kind, *memories, flags, size_bytes)


class TracedCard(EmulatedCard):
    """Its uploads and downloads are recorded, and pass by pinned memory as a `Card`'s do."""

    def __init__(self, path: Path) -> None:
        """path: of the library."""
        super().__init__()
        self._cupti = FakeCupti(path)

    def upload(self, host: NDArray[Any]) -> DeviceArray:
        self._trace(HTOD, (PINNED, CARD), host.nbytes)
        return super().upload(host)

    def download(self, array: DeviceArray) -> NDArray[Any]:
        self._trace(DTOH, (CARD, PINNED), array.nbytes)
        return super().download(array)

    def fetch(self, source: DeviceArray, target: NDArray[Any]) -> None:
        self._trace(DTOH, (CARD, PINNED), source.nbytes)
        super().fetch(source, target)

    def copy(self, source: DeviceArray, target: DeviceArray) -> None:
        self._trace(DTOD, (CARD, CARD), source.nbytes)
        super().copy(source, target)

    def settle(self) -> None:
        self.synchronize()

    def _trace(self, kind: int, memories: tuple[int, int], size_bytes: int) -> None:
        if size_bytes:
            self._cupti.copy(kind, memories, size_bytes)


class NotedTracedCard(Noting, TracedCard):
    """It notes what it is asked for, too."""
