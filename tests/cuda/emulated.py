"""A card without a card: kernels compiled by the C++ compiler of this machine, arrays of NumPy, every thread in turn.

It shows that a kernel computes what it should. It shows nothing of races, and nothing of speed.
"""

from __future__ import annotations

import ctypes
import hashlib
import re
import shutil
import subprocess
import tempfile
from collections import deque
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from shared.cuda.card import COMMON
from shared.model.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from numpy.typing import DTypeLike, NDArray

    from shared.cuda.device import Argument, DeviceArray, Dim3

COMPILER = shutil.which("g++") or shutil.which("clang++")
WHY_NOT = "" if COMPILER else "there is no C++ compiler (g++ or clang++), by which kernels are tried without a card"
_WORDS = Path(__file__).with_name("emulated.hpp")
_KERNEL = re.compile(r"^(SEPARATE|TOGETHER)\s+void\s+(\w+)\s*\(([^)]*)\)", re.MULTILINE)
_LOOP = """
extern "C" void emulated_{name}(const unsigned *size, void **values) {{
    gridDim = {{size[0], size[1], size[2]}};
    blockDim = {{size[3], size[4], size[5]}};
    for (blockIdx.z = 0; blockIdx.z < gridDim.z; blockIdx.z++)
    for (blockIdx.y = 0; blockIdx.y < gridDim.y; blockIdx.y++)
    for (blockIdx.x = 0; blockIdx.x < gridDim.x; blockIdx.x++)
    for (threadIdx.z = 0; threadIdx.z < blockDim.z; threadIdx.z++)
    for (threadIdx.y = 0; threadIdx.y < blockDim.y; threadIdx.y++)
    for (threadIdx.x = 0; threadIdx.x < blockDim.x; threadIdx.x++)
        {name}({arguments});
}}
"""


class EmulatedKernels:
    """As `shared.cuda.device.Kernels`; a kernel whose threads wait for each other gets one thread a block."""

    def __init__(self, library: ctypes.CDLL, kinds: dict[str, tuple[bool, int]]) -> None:
        """kinds: of each kernel, whether its threads work together, and how many arguments it has."""
        self._library, self._kinds = library, kinds

    def launch(self, name: str, grid: Dim3, block: Dim3, *arguments: Argument) -> None:
        together, count = self._kinds[name]
        assert len(arguments) == count, f"{name} takes {count} arguments, not {len(arguments)}"
        size = (ctypes.c_uint * 6)(*grid, *((1, 1, 1) if together else block))
        held = [_as_value(argument) for argument in arguments]
        values = (ctypes.c_void_p * count)(*(value.ctypes.data for value in held))
        self._library[f"emulated_{name}"](size, values)


class EmulatedMark:
    """As `shared.cuda.card.CardMark`."""

    def __init__(self, card: EmulatedCard, fetches: int) -> None:
        self._card, self._fetches = card, fetches

    def wait(self) -> None:
        self._card.arrive(self._fetches)


class EmulatedCard:
    """As `shared.cuda.card.Card`. New memory is full of rubbish, so that what nobody wrote shows.

    What is fetched arrives when somebody waits for it, and not before.
    """

    number = 0
    memory = "cpu"
    stream_address = 0

    def __init__(self) -> None:
        self._under_way: deque[tuple[NDArray[Any], NDArray[Any]]] = deque()
        self._arrived = 0
        self._lock = Lock()

    def arrive(self, fetches: int) -> None:
        """Have so many of all fetches there."""
        with self._lock:
            while self._arrived < fetches:
                source, target = self._under_way.popleft()
                np.copyto(target, source)
                self._arrived += 1

    def address(self, array: DeviceArray) -> int:
        return int(array.ctypes.data)

    def empty(self, shape: Sequence[int], dtype: DTypeLike) -> DeviceArray:
        rubbish = np.full(int(np.prod(shape)) * np.dtype(dtype).itemsize, 0xA5, np.uint8)
        return rubbish.view(dtype).reshape(tuple(shape))

    def borrowed(self, address: int, shape: Sequence[int]) -> DeviceArray:
        size = int(np.prod(shape))
        return np.frombuffer((ctypes.c_uint8 * size).from_address(address), np.uint8).reshape(tuple(shape))

    def upload(self, host: NDArray[Any]) -> DeviceArray:
        return host.copy()

    def download(self, array: DeviceArray) -> NDArray[Any]:
        self.synchronize()
        copy: NDArray[Any] = array.copy()
        return copy

    def pinned(self, size_bytes: int) -> NDArray[np.uint8]:
        return np.full(size_bytes, 0x5A, np.uint8)

    def fetch(self, source: DeviceArray, target: NDArray[Any]) -> None:
        assert target.flags.c_contiguous
        with self._lock:
            self._under_way.append((source.copy(), target))

    def mark(self) -> EmulatedMark:
        with self._lock:
            return EmulatedMark(self, self._arrived + len(self._under_way))

    def copy(self, source: DeviceArray, target: DeviceArray) -> None:
        np.copyto(target, source)

    def kernels(self, source: Path, *include: Path) -> EmulatedKernels:
        return _compiled(source, include)

    def recorded(self, work: Callable[[], None]) -> Callable[[], None]:
        return work

    def current(self) -> AbstractContextManager[None]:
        return nullcontext()

    def synchronize(self) -> None:
        self.mark().wait()

    def works(self) -> bool:
        self.synchronize()
        return True


def _as_value(argument: Argument) -> NDArray[Any]:
    """What the kernel's parameter is read from: an address, or the number itself."""
    if isinstance(argument, np.ndarray):
        return np.array([argument.ctypes.data], np.uint64)
    assert isinstance(argument, np.generic), f"{argument!r} is neither an array nor a NumPy scalar"
    return np.array([argument])


@cache
def _compiled(source: Path, include: tuple[Path, ...]) -> EmulatedKernels:
    text = source.read_text()
    loops, kinds = [], {}
    for kind, name, parameters in _KERNEL.findall(text):
        types = [re.sub(r"\b__restrict__\b", "", part).strip() for part in parameters.split(",") if part.strip()]
        types = [part[: part.rindex(re.findall(r"\w+", part)[-1])].strip() for part in types]
        given = ", ".join(f"*({one} *)values[{at}]" for at, one in enumerate(types))
        loops.append(_LOOP.format(name=name, arguments=given))
        kinds[name] = (kind == "TOGETHER", len(types))
    program = f'#include "{_WORDS}"\n#include "{source}"\n{"".join(loops)}'
    assert COMPILER is not None, WHY_NOT
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "kernels.cpp"
        written.write_text(program)
        built = Path(folder) / f"{hashlib.sha256(program.encode()).hexdigest()[:16]}.so"
        folders = [f"-I{one}" for one in (COMMON, source.parent, *include)]
        # As on a card, a product and a sum may be one operation; more is not allowed to differ.
        command = [COMPILER, "-std=c++17", "-O2", "-shared", "-fPIC", *folders, str(written), "-o", str(built)]
        told = subprocess.run(command, capture_output=True, text=True, check=False)
        if told.returncode:
            raise Misconfigured(f"The kernels of {source.name} cannot be compiled: {told.stderr}")
        # As a Python library, which holds the interpreter's lock: all threads of this process share the one `blockIdx`.
        return EmulatedKernels(ctypes.PyDLL(str(built)), kinds)
