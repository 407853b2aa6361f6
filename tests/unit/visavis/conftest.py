"""Which processes a test has begun: those of system tests of the same run are none of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


def _alive() -> set[psutil.Process]:
    return {one for one in psutil.Process().children(recursive=True) if _is_alive(one)}


def _is_alive(process: psutil.Process) -> bool:
    """A dead one may be reaped at any moment, also while it is asked."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def begun() -> Callable[[], set[psutil.Process]]:
    """Processes below this one that have begun since the test did, and go on."""
    before = _alive()
    return lambda: _alive() - before
