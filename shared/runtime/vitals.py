"""What this process takes of its machine, as the kernel counts it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_SELF = Path("/proc/self")


def cpu() -> Iterator[tuple[float, Mapping[str, str]]]:
    """Seconds of processor time so far, by mode."""
    times = os.times()
    yield times.user, {"cpu.mode": "user"}
    yield times.system, {"cpu.mode": "system"}


def memory() -> Iterator[tuple[int, Mapping[str, str]]]:
    """Resident bytes (proc(5), statm)."""
    yield int((_SELF / "statm").read_text().split()[1]) * _PAGE_BYTES, {}


def threads() -> Iterator[tuple[int, Mapping[str, str]]]:
    """How many there are, those of libraries too."""
    yield sum(1 for _ in (_SELF / "task").iterdir()), {}


def files() -> Iterator[tuple[int, Mapping[str, str]]]:
    """How many descriptors are open, but for the one that this look takes."""
    yield sum(1 for _ in (_SELF / "fd").iterdir()) - 1, {}
