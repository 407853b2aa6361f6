"""Child processes that are brought to their end."""

from __future__ import annotations

import subprocess


def end(process: subprocess.Popen[bytes] | subprocess.Popen[str], patience_seconds: float = 10) -> None:
    """By its own id: gently, so that it ends what it has started, and for certain after so long. Reaps it."""
    process.terminate()
    try:
        process.wait(patience_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
