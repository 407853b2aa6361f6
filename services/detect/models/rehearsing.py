"""Runs a model of the user's in a process of its own before it is taken in: one that cannot be run stops no service."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import msgspec

from shared.model.errors import Misconfigured

if TYPE_CHECKING:
    from services.detect.models.registry import ModelEntry

MOST_SECONDS = 120.0
"""For some twenty runs: a model that takes longer is of no use here."""
MOST_BYTES = 8 << 30
"""Of memory, on top of what an empty process has: a whole deployment has less."""
ENTRY_FILE = "entry.json"
_SAID_FIRST = 400


def rehearse(entry: ModelEntry, prepared: bytes, seconds: float = MOST_SECONDS) -> None:
    """Open and run the model with this line of the registry and this prepared file, as detect will.

    Raises Misconfigured if it cannot be run, gives what its family does not, or needs more time or memory than is good.
    """
    with TemporaryDirectory(prefix="visavis-rehearsal-") as scratch:
        (Path(scratch) / entry.file).write_bytes(prepared)
        (Path(scratch) / ENTRY_FILE).write_bytes(msgspec.json.encode(entry))
        command = [sys.executable, "-m", "services.detect.rehearsal", scratch]
        try:
            # S603: nothing in the command comes from outside.
            done = subprocess.run(  # noqa: S603
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=seconds
            )
        except subprocess.TimeoutExpired as error:
            raise Misconfigured(f"The model {entry.name} was run and did not end within {seconds:.0f} s.") from error
    if done.returncode:
        said = " ".join(done.stderr.split())[:_SAID_FIRST] or f"it ended the process ({done.returncode})"
        raise Misconfigured(f"The model {entry.name} cannot be run: {said}")
