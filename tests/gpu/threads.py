"""Calls side by side in threads, none of which fails unheard."""

from __future__ import annotations

import threading
import time
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_T = TypeVar("_T")


def all_of(calls: Sequence[Callable[[], _T]], patience_seconds: float) -> list[_T]:
    """What they come to, in the order in which they end.

    Raises the first one's exception at once, and TimeoutError after so many seconds. The others go on by themselves
    then, and do not keep the process from ending.
    """
    outcomes: SimpleQueue[tuple[list[_T], Exception | None]] = SimpleQueue()

    def run(call: Callable[[], _T]) -> None:
        try:
            outcomes.put(([call()], None))
        except Exception as error:  # noqa: BLE001  -- raised where they are waited for
            outcomes.put(([], error))

    for call in calls:
        threading.Thread(target=run, args=(call,), daemon=True).start()
    found: list[_T] = []
    end = time.monotonic() + patience_seconds
    for _ in calls:
        try:
            results, error = outcomes.get(timeout=max(0.0, end - time.monotonic()))
        except Empty:
            missing = len(calls) - len(found)
            raise TimeoutError(f"{missing} of {len(calls)} are not done after {patience_seconds:.0f} s.") from None
        if error is not None:
            raise error
        found += results
    return found
