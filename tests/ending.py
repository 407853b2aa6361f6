"""Child processes that are brought to their end."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    Process = subprocess.Popen[bytes] | subprocess.Popen[str]


def end(process: Process, patience_seconds: float = 10) -> None:
    """By its own id: gently, so that it ends what it has started, and for certain after so long. Reaps it."""
    end_all([process], patience_seconds)


def end_all(processes: Sequence[Process], patience_seconds: float = 10) -> None:
    """As `end`; all are told before any is waited for, so that those which end together can."""
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(patience_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
