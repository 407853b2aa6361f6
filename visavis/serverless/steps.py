"""What a cold start spends its time on: each step as a line of JSON. Imported before everything that takes time."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable


def process_age_ms() -> float:
    """Milliseconds since the kernel started this process; it counts in hundredths of a second."""
    fields = Path("/proc/self/stat").read_text("ascii").rpartition(")")[2].split()
    started = int(fields[19]) / os.sysconf("SC_CLK_TCK")  # proc(5): starttime is field 22, two stand before the bracket
    return (time.clock_gettime(time.CLOCK_BOOTTIME) - started) * 1000


class Steps:
    """Counts from the start of the process; the first step is that of the interpreter."""

    def __init__(self, out: TextIO | None = None, age_ms: Callable[[], float] = process_age_ms) -> None:
        """out: where lines are written; None: standard output, which every platform keeps as the function's log."""
        self._out, self._age_ms = out or sys.stdout, age_ms
        self._last_ms = 0.0
        self.tell("interpreter started")

    def tell(self, step: str) -> None:
        """A step is done."""
        now_ms = self._age_ms()
        line = {
            "event": "cold start",
            "step": step,
            "ms": round(now_ms - self._last_ms),
            "since_start_ms": round(now_ms),
        }
        self._last_ms = now_ms
        print(json.dumps(line), file=self._out, flush=True)
