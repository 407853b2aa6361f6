"""Pinned memory that uploads go through, used again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

HALF_BYTES = 2 << 20
ALIGNED = 256
"""Bytes: what CUDA aligns its own allocations to."""


class Staging:
    """Two halves: one is written while what was copied from the other goes its way. In the hands of one thread.

    CuPy's own way by its pool of pinned memory takes 30 µs for 4 KiB, this one 4 (H100 machine, docs/gpu.md).
    """

    def __init__(self, pinned: NDArray[np.uint8], mark: Callable[[], Any]) -> None:
        """pinned: uint8 [2 * HALF_BYTES]. mark: gives a mark of the stream by which is copied (`device.Mark`)."""
        self._halves = (pinned[:HALF_BYTES], pinned[HALF_BYTES : 2 * HALF_BYTES])
        self._mark = mark
        self._marks: list[Any] = [None, None]
        self._half, self._used = 0, 0

    def take(self, host: NDArray[Any]) -> NDArray[np.uint8] | None:
        """A copy in pinned memory, uint8, which stays as it is until the copies that are told next are done.

        None if it is too large.
        """
        size = host.nbytes
        if size > HALF_BYTES:
            return None
        if self._used + size > HALF_BYTES:
            self._turn()
        part = self._halves[self._half][self._used : self._used + size]
        part.view(host.dtype).reshape(host.shape)[...] = host
        self._used += -(-size // ALIGNED) * ALIGNED
        return part

    def _turn(self) -> None:
        """Go on in the other half, when what was copied from it has arrived."""
        self._marks[self._half] = self._mark()
        self._half, self._used = 1 - self._half, 0
        if (last := self._marks[self._half]) is not None:
            last.wait()
