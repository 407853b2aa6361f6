"""A real card, by CuPy: the one module that imports it, besides those that pass its memory between processes."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from shared.cuda.rows import Rows
from shared.cuda.staging import HALF_BYTES, Staging
from shared.model.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import DTypeLike, NDArray

    from shared.cuda.device import Argument, DeviceArray, Dim3

COMMON = Path(__file__).parent / "kernels"
"""Folder with what kernels of all services include."""
NO_CARD = "there is no NVIDIA card"
_OPTIONS = ("--std=c++17", "--fmad=true")


def why_not() -> str:
    """Why this process cannot use a card, as half a sentence; empty if it can."""
    try:
        cupy = _cupy()
    except ImportError:
        return "CuPy is not installed (the extra `gpu`)"
    try:
        cards = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        return f"CUDA finds no card it can use ({error})"
    return "" if cards else NO_CARD


def count() -> int:
    """How many cards this process can use."""
    return 0 if why_not() else int(_cupy().cuda.runtime.getDeviceCount())


def bus_address(number: int = 0) -> str:
    """Where a card is plugged in, as `Card.bus_address`, without anything of it being taken.

    number: as CUDA counts them, among those that CUDA_VISIBLE_DEVICES leaves.
    """
    return str(_cupy().cuda.Device(number).pci_bus_id)


class CardKernels:
    """The kernels of a file, by NVRTC."""

    def __init__(self, module: Any, device: Any, stream: Any) -> None:
        self._module, self._device, self._stream = module, device, stream
        self._functions: dict[str, Any] = {}
        """CuPy's own functions: a call takes two thirds of that of its RawKernel."""

    def launch(self, name: str, grid: Dim3, block: Dim3, *arguments: Argument) -> None:
        """As `device.Kernels` says."""
        function = self._functions.get(name)
        with self._device:
            if function is None:
                function = self._functions[name] = self._module.get_function(name).kernel
            function(grid, block, arguments, 0, self._stream)


class CardMark:
    """As `device.Mark` says: an event."""

    def __init__(self, event: Any) -> None:
        self._event = event

    def wait(self) -> None:
        """As `device.Mark` says."""
        self._event.synchronize()


class Card:
    """One card, as `device.Device` has it; every instance has a stream of its own."""

    memory = "cuda"

    def __init__(self, number: int = 0) -> None:
        """number: as CUDA counts them, from 0. Raises Misconfigured if it cannot be used."""
        if reason := why_not():
            raise Misconfigured(f"The card {number} cannot be used: {reason}.")
        self.number = number
        self._cupy = _cupy()
        self._device = self._cupy.cuda.Device(number)
        with self._device:
            self.stream = self._cupy.cuda.Stream(non_blocking=True)
            """CuPy's: what of the outside is to be ordered with this device's work goes by it."""
        self.stream_address = int(self.stream.ptr)
        self._kernels: dict[tuple[Path, ...], CardKernels] = {}
        self._staging = Staging(self.pinned(2 * HALF_BYTES), self.mark)

    def address(self, array: DeviceArray) -> int:
        """As `device.Device` says."""
        return int(array.data.ptr)

    @property
    def bus_address(self) -> str:
        """Where it is plugged in: domain:bus:device.function, by which others than CUDA know it."""
        return bus_address(self.number)

    @property
    def description(self) -> str:
        """The card's name and memory, and the CUDA that its driver has."""
        runtime = self._cupy.cuda.runtime
        properties, driver = runtime.getDeviceProperties(self.number), runtime.driverGetVersion()
        gib = properties["totalGlobalMem"] / (1 << 30)
        return f"{properties['name'].decode()}, {gib:.0f} GiB, CUDA {driver // 1000}.{driver % 1000 // 10}"

    def empty(self, shape: Sequence[int], dtype: DTypeLike) -> DeviceArray:
        """As `device.Device` says."""
        with self._device, self.stream:
            return self._cupy.empty(tuple(shape), dtype)

    def borrowed(self, address: int, shape: Sequence[int]) -> DeviceArray:
        """As `device.Device` says."""
        cuda = self._cupy.cuda
        memory = cuda.UnownedMemory(address, int(np.prod(shape)), None, self.number)
        return self._cupy.ndarray(tuple(shape), np.uint8, cuda.MemoryPointer(memory, 0))

    def upload(self, host: NDArray[Any]) -> DeviceArray:
        """As `device.Device` says."""
        if (part := self._staging.take(host)) is None:
            with self._device, self.stream:
                return self._cupy.asarray(host)  # by pinned memory, which CuPy keeps until the copy is done
        array = self.empty(host.shape, host.dtype)
        if host.nbytes:
            self._move(array.data.ptr, part.ctypes.data, host.nbytes, self._cupy.cuda.runtime.memcpyHostToDevice)
        return array

    def download(self, array: DeviceArray) -> NDArray[Any]:
        """As `device.Device` says."""
        host = self.pinned(array.nbytes).view(array.dtype).reshape(array.shape)
        self.fetch(array, host)
        self.stream.synchronize()
        copy: NDArray[Any] = host.copy()
        return copy

    def pinned(self, size_bytes: int) -> NDArray[np.uint8]:
        """As `device.Device` says."""
        return np.frombuffer(self._cupy.cuda.alloc_pinned_memory(max(1, size_bytes)), np.uint8, size_bytes)

    def fetch(self, source: DeviceArray, target: NDArray[Any]) -> None:
        """As `device.Device` says."""
        if target.nbytes != source.nbytes or not target.flags.c_contiguous:
            raise ValueError(
                f"{source.nbytes} bytes were to be copied to an array of {target.nbytes}, or to one in parts"
            )
        if source.flags.c_contiguous:  # CuPy's own way cannot be recorded
            kind = self._cupy.cuda.runtime.memcpyDeviceToHost
            self._move(target.ctypes.data, source.data.ptr, source.nbytes, kind)
        else:
            with self._device, self.stream:
                source.get(stream=self.stream, out=target, blocking=False)

    def mark(self) -> CardMark:
        """As `device.Device` says."""
        with self._device:
            event = self._cupy.cuda.Event(block=True, disable_timing=True)
            event.record(self.stream)
        return CardMark(event)

    def copy(self, source: DeviceArray, target: DeviceArray) -> None:
        """As `device.Device` says."""
        if source.flags.c_contiguous and target.flags.c_contiguous and source.dtype == target.dtype:
            kind = self._cupy.cuda.runtime.memcpyDeviceToDevice
            self._move(target.data.ptr, source.data.ptr, source.nbytes, kind)
        elif source.dtype == target.dtype and source.shape == target.shape and self._copy_rows(source, target):
            pass
        else:
            with self._device, self.stream:
                self._cupy.copyto(target, source)  # by a kernel, which is compiled when it is first wanted

    def kernels(self, source: Path, *include: Path) -> CardKernels:
        """As `device.Device` says."""
        kernels = self._kernels.get((source, *include))
        if kernels is None:
            with self._device:
                kernels = CardKernels(_compiled(self.number, source, include), self._device, self.stream)
            self._kernels[source, *include] = kernels
        return kernels

    def recorded(self, work: Callable[[], None]) -> Callable[[], None]:
        """As `device.Device` says."""
        self.stream.begin_capture()
        failed = False
        try:
            work()
        except Exception:  # noqa: BLE001  -- whoever does the work has errors of his own: it is no work to be recorded
            failed = True
        try:
            graph = self.stream.end_capture()
        except self._cupy.cuda.runtime.CUDARuntimeError:
            return work
        return work if failed else partial(graph.launch, self.stream)

    @contextmanager
    def current(self) -> Iterator[None]:
        """As `device.Device` says."""
        own = self._cupy.cuda.Device(self.number)  # another thread may be within the other at the moment
        with own:
            own.use()  # a thread that nothing of CUDA has run in has no context, which `with` leaves so
            yield

    def synchronize(self) -> None:
        """As `device.Device` says."""
        self.stream.synchronize()

    def _move(self, target: int, source: int, size_bytes: int, kind: int) -> None:
        with self._device:
            self._cupy.cuda.runtime.memcpyAsync(target, source, size_bytes, kind, self.stream_address)

    def _copy_rows(self, source: DeviceArray, target: DeviceArray) -> bool:
        """Whether both lie in rows; they are copied, then."""
        here, there = Rows.of(source), Rows.of(target)
        if here is None or there is None:
            return False
        runtime = self._cupy.cuda.runtime
        with self._device:
            runtime.memcpy2DAsync(
                target.data.ptr,
                there.pitch_bytes,
                source.data.ptr,
                here.pitch_bytes,
                here.bytes_each,
                here.number,
                runtime.memcpyDeviceToDevice,
                self.stream_address,
            )
        return True

    def works(self) -> bool:
        """As `device.Device` says."""
        try:
            self.stream.synchronize()
        except self._cupy.cuda.runtime.CUDARuntimeError:
            return False
        return True


@cache
def _compiled(_: int, source: Path, include: tuple[Path, ...]) -> Any:
    """One module a card and file. Raises Misconfigured."""
    cupy = _cupy()
    folders = (COMMON, source.parent, *include)
    options = (*_OPTIONS, *(f"-I{folder}" for folder in folders))
    module = cupy.RawModule(code=source.read_text(), options=options, backend="nvrtc")
    try:
        module.compile()
    except cupy.cuda.compiler.CompileException as error:
        raise Misconfigured(f"The kernels of {source.name} cannot be compiled: {error}") from error
    return module


def _cupy() -> Any:
    """CuPy, which takes a second to import: only where a card is to be used. Raises ImportError."""
    import cupy  # noqa: PLC0415

    return cupy
