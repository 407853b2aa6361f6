"""Devices that note who asks them for copies between host and card."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

from shared.cuda.card import Card
from tests.gpu.copies import TO_CARD, TO_HOST, Asked

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shared.cuda.device import DeviceArray

_PASSED_THROUGH = ("tests.gpu.noting", "tests.cuda.", "shared.cuda.")
"""Modules through which others ask."""


class Notes:
    """What the devices of this process were asked for."""

    def __init__(self) -> None:
        self._asked: Counter[Asked] = Counter()
        self._lock = threading.Lock()

    def note(self, way: str, size_bytes: int) -> None:
        """Somebody asks for this copy now, if there is anything to be copied."""
        if size_bytes:
            asked = Asked(way, size_bytes, _place())
            with self._lock:
                self._asked[asked] += 1

    def taken(self) -> Counter[Asked]:
        """All since the last time."""
        with self._lock:
            asked, self._asked = self._asked, Counter()
        return asked


NOTES = Notes()


class Noting:
    """Stands before a device in the order of its bases."""

    _depth = 0
    """A download may fetch: that is one copy."""

    def upload(self, host: NDArray[Any]) -> DeviceArray:
        return self._noted("upload", TO_CARD, host.nbytes, host)

    def download(self, array: DeviceArray) -> NDArray[Any]:
        found: NDArray[Any] = self._noted("download", TO_HOST, array.nbytes, array)
        return found

    def fetch(self, source: DeviceArray, target: NDArray[Any]) -> None:
        self._noted("fetch", TO_HOST, source.nbytes, source, target)

    def _noted(self, what: str, way: str, size_bytes: int, *arguments: Any) -> Any:
        if not self._depth:
            NOTES.note(way, size_bytes)
        self._depth += 1
        try:
            return getattr(super(), what)(*arguments)
        finally:
            self._depth -= 1


class NotedCard(Noting, Card):
    """A real one."""

    def settle(self) -> None:
        """Wait for all that this process has told the card, by whatever stream."""
        with self._device:
            self._cupy.cuda.runtime.deviceSynchronize()


def _place() -> str:
    """Module and function of whoever asked, the nearest that does not only pass it on."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals["__name__"].startswith(_PASSED_THROUGH):
        frame = frame.f_back
    return f"{frame.f_globals['__name__']}.{frame.f_code.co_name}"
