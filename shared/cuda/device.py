"""What CUDA forms ask of a card: memory, copies, kernels. The real one is `card.Card`; tests have another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    import numpy as np
    from numpy.typing import DTypeLike, NDArray

    DeviceArray = Any
    """An array in a card's memory, with shape, dtype, indexing and views as NumPy has them: a `cupy.ndarray`."""
    Dim3 = tuple[int, int, int]
    Argument = DeviceArray | np.generic
    """An array, or a NumPy scalar of the kernel's own type: np.int32 for int, np.float32 for float."""


class Kernels(Protocol):
    """The kernels of one source file, compiled."""

    def launch(self, name: str, grid: Dim3, block: Dim3, *arguments: Argument) -> None:
        """Start one on the device's stream, behind all that was started before; it does not wait."""
        ...


class Mark(Protocol):
    """A place in the work that was started on a device."""

    def wait(self) -> None:
        """Until all that was started before is done. From any thread, which sleeps meanwhile."""
        ...


class Device(Protocol):
    """One card and one stream of work on it, in the hands of one thread at a time.

    What is started runs in order and beside the host; arrays may be given up while a kernel still reads them.
    """

    number: int
    """As CUDA counts them, from 0."""
    memory: str
    """Whose memory arrays lie in, in ONNX Runtime's words: `cuda`, or `cpu` where the card is emulated."""
    stream_address: int
    """Of the stream, as CUDA's own calls take it; 0 where the card is emulated."""

    def address(self, array: DeviceArray) -> int:
        """Where the array's first element lies, for kernels that find their arrays in a table."""
        ...

    def empty(self, shape: Sequence[int], dtype: DTypeLike) -> DeviceArray:
        """New memory, contents undefined."""
        ...

    def borrowed(self, address: int, shape: Sequence[int]) -> DeviceArray:
        """A uint8 array over memory of the device that another has, without gaps; it lasts as long as that."""
        ...

    def upload(self, host: NDArray[Any]) -> DeviceArray:
        """A copy of an array of the host, which may be written again at once."""
        ...

    def download(self, array: DeviceArray) -> NDArray[Any]:
        """A copy in the host's memory; waits for all that was started."""
        ...

    def pinned(self, size_bytes: int) -> NDArray[np.uint8]:
        """New memory of the host that does not move, for `fetch`; contents undefined."""
        ...

    def fetch(self, source: DeviceArray, target: NDArray[Any]) -> None:
        """Begin to copy an array into pinned memory of its shape, without padding; it is there when a later mark is.

        Until then neither may be given up.
        """
        ...

    def mark(self) -> Mark:
        """Here, behind all that was started before."""
        ...

    def copy(self, source: DeviceArray, target: DeviceArray) -> None:
        """Copy an array on the device into another of its shape."""
        ...

    def kernels(self, source: Path, *include: Path) -> Kernels:
        """Those of a `.cu` file, compiled once a process. include: folders for its `#include`s besides its own.

        Raises Misconfigured with what the compiler says.
        """
        ...

    def recorded(self, work: Callable[[], None]) -> Callable[[], None]:
        """What starts again all that `work` starts on the stream, on the same memory, by one call of a CUDA graph.

        `work` has been run before, allocates nothing, waits for nothing and reads nothing on the host. Where it cannot
        be recorded the answer is `work` itself.
        """
        ...

    def current(self) -> AbstractContextManager[None]:
        """Meanwhile the CUDA context of this thread is the card's, which this device works in, too.

        For libraries that take the context that they find. In any thread, whoever has the device in hand.
        """
        ...

    def synchronize(self) -> None:
        """Wait for all that was started."""
        ...

    def works(self) -> bool:
        """False once the card, or a kernel on it, has failed: nothing works there any more until this process ends.

        It waits for all that was started.
        """
        ...


def blocks(columns: int, rows: int, block: tuple[int, int] = (32, 8)) -> tuple[Dim3, Dim3]:
    """Grid and block for one thread a sample of a plane."""
    across, down = block
    return (-(-columns // across), -(-rows // down), 1), (across, down, 1)
