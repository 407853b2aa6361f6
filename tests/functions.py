"""The function as platforms start it: a process of its own, whose log tells what a cold start takes."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from tests import ending

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).parents[1]
LAMBDA = (sys.executable, "-m", "awslambdaric", "handler.handler")
HTTP = (sys.executable, "-m", "visavis.serverless")
FOLDERS: dict[tuple[str, ...], Path] = {LAMBDA: ROOT / "deploy/serverless/lambda", HTTP: ROOT}
PATIENCE_SECONDS = 60.0


class FunctionProcess:
    """One process and the lines of its log."""

    def __init__(self, process: subprocess.Popen[str], lines: IO[str]) -> None:
        self.process = process
        self.steps: list[dict[str, Any]] = []
        """What was told of the cold start so far."""
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reading = threading.Thread(target=self._read, args=(lines,), daemon=True)
        self._reading.start()

    def wait_for(self, word: str, value: str) -> dict[str, Any]:
        """The first line of JSON in which `word` is that; AssertionError where the log ends before."""
        while (line := self._lines.get(timeout=PATIENCE_SECONDS)) is not None:
            try:
                said = json.loads(line)
            except ValueError:
                continue
            if said.get("event") == "cold start":
                self.steps.append(said)
            if said.get(word) == value:
                return dict(said)
        raise AssertionError(f"The function ended (status {self.process.wait()}) without {word}: {value}.")

    def _read(self, lines: IO[str]) -> None:
        for line in lines:
            self._lines.put(line)
        self._lines.put(None)


@contextmanager
def function(command: Sequence[str], variables: Mapping[str, str]) -> Iterator[FunctionProcess]:
    """Started with those variables besides the environment; ended and buried afterwards."""
    process = subprocess.Popen(
        command,
        cwd=FOLDERS.get(tuple(command), ROOT),
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield FunctionProcess(process, process.stdout)
    finally:
        ending.end(process, PATIENCE_SECONDS)
        process.stdout.close()
