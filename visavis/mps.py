"""NVIDIA's Multi-Process Service: processes that share a card compute on it at the same time, and not in turns."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from shared.model.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PROGRAM = "nvidia-cuda-mps-control"
START_SECONDS, STOP_SECONDS = 10.0, 10.0
_POLL_SECONDS = 0.05


class Mps:
    """Its daemon, for the processes that are `told` of it, and no others."""

    def __init__(
        self, environment: Mapping[str, str], logs: Path, prepare_child: Callable[[], None] | None = None
    ) -> None:
        """environment: of the daemon, which passes on those cards that CUDA_VISIBLE_DEVICES names. logs: a folder."""
        self._environment, self._logs = environment, logs.resolve()
        self._prepare_child = prepare_child
        self._folder: Path | None = None
        self.process: subprocess.Popen[bytes] | None = None

    def told(self, environment: Mapping[str, str]) -> dict[str, str]:
        """An environment with what a process needs so that its CUDA finds the daemon; the same where it does not run.

        Its processes are not told of CUDA_VISIBLE_DEVICES: they would count among the cards that it passes on.
        """
        if self._folder is None:
            return dict(environment)
        kept = {name: value for name, value in environment.items() if name != "CUDA_VISIBLE_DEVICES"}
        return kept | self._own

    @property
    def has_ended(self) -> bool:
        """Whether it was started and ended by itself."""
        return self.process is not None and self.process.poll() is not None

    def start(self) -> None:
        """Start it, the second time where it was, and wait until it takes processes. Raises Misconfigured
        where it is missing or does not start."""
        program = shutil.which(PROGRAM)
        if program is None:
            raise Misconfigured(f"There is no {PROGRAM} on this machine: it comes with NVIDIA's driver.")
        self._end_group()
        self._logs.mkdir(parents=True, exist_ok=True)
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="visavis-mps-"))  # short: a socket's path has 107 bytes
        (self._folder / "control").unlink(missing_ok=True)
        self.process = subprocess.Popen(  # noqa: S603  -- NVIDIA's program, our own words
            [program, "-f"], env={**self._environment, **self._own}, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            preexec_fn=self._prepare_child,  # noqa: PLW1509  -- the parent has one thread when it starts children
        )  # fmt: skip
        end = time.monotonic() + START_SECONDS
        while not (self._folder / "control").exists():
            if self.process.poll() is not None or time.monotonic() > end:
                said = self._said()
                self.stop()
                raise Misconfigured(f"{PROGRAM} does not start: {said}")
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """End it, and its servers, and wait for it. Processes that use it are to be ended before."""
        if self.process is not None:
            if self.process.poll() is None:
                self._ask_to_quit()
            self._end_group()
        self.process = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder = None

    def _end_group(self) -> None:
        """The daemon, and what of its servers has outlived it."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def _ask_to_quit(self) -> None:
        """So its servers let go of their cards in order."""
        assert self.process is not None  # noqa: S101  -- only then is there one to be asked
        try:
            subprocess.run(  # noqa: S603  -- as in `start`
                [shutil.which(PROGRAM) or PROGRAM], input=b"quit\n", env={**self._environment, **self._own},
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=STOP_SECONDS, check=False,
            )  # fmt: skip
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            return

    @property
    def _own(self) -> dict[str, str]:
        return {"CUDA_MPS_PIPE_DIRECTORY": str(self._folder), "CUDA_MPS_LOG_DIRECTORY": str(self._logs)}

    def _said(self) -> str:
        log = self._logs / "control.log"
        lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
        return lines[-1][:300] if lines else "it says nothing."
