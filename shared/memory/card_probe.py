"""Whether two processes can share a card's memory here: two of them try it, once.

`python -m shared.memory.card_probe NUMBER` says why they cannot, or nothing.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numpy as np

from shared.cuda.card import NO_CARD, Card
from shared.memory.card_memory import CudaMemory
from shared.memory.layout import SLAB_ALIGNMENT
from shared.model.errors import VisavisError
from shared.model.obstacles import Obstacle, WhyNot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.cuda.device import Device
    from shared.memory.card_memory import CardMemory

MODULE = "shared.memory.card_probe"
SECONDS = 60.0
"""So long the other process may take; it imports CuPy and makes a CUDA context."""
EVENT_SECONDS = 10.0
_QUESTION = np.arange(1 << 16, dtype=np.uint32).view(np.uint8)
_ANSWER = 255 - _QUESTION


def why_not(number: int) -> WhyNot | None:
    """Why processes cannot share the memory of that card; None if they can. Takes seconds on a card.

    This process is kept out of it: what goes wrong with CUDA may not be undone in a process.
    """
    if importlib.util.find_spec("cupy") is None:
        return WhyNot(Obstacle.NO_CUPY, "CuPy is not installed (the extra `gpu`).")
    try:
        told = _run([sys.executable, "-m", MODULE, str(number)], 2 * SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        return WhyNot(Obstacle.NOT_SHARED, f"What tries the card did not answer: {error}.")
    sentence = told.stdout if told.returncode == 0 else _last_line(told.stderr)
    if not sentence:
        return None
    return WhyNot(Obstacle.NO_CARD if NO_CARD in sentence else Obstacle.NOT_SHARED, sentence)


def tried(memory: CardMemory, device: Device, command: Sequence[str]) -> str:
    """Hand memory to another process, which reads it and writes to it; in a sentence why that failed, or nothing.

    command: what starts that process; it is given the handles of a block and an event, for `answer`.
    Raises Misconfigured where no memory is to be had.
    """
    block, event = memory.allocate(SLAB_ALIGNMENT), memory.event()
    try:
        device.copy(device.upload(_QUESTION), block.array[: _QUESTION.size])
        event.record(device)
        handles = [block.handle.hex(), event.handle.hex()]
        try:
            told = _run([*command, *handles], SECONDS)
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"The process that was to share the card's memory did not answer: {error}."
        if told.returncode:
            return _last_line(told.stderr)
        if not np.array_equal(device.download(block.array[: _ANSWER.size]), _ANSWER):
            return "What another process writes into the card's memory is not seen here."
        return ""
    finally:
        device.synchronize()
        event.close()
        block.close()


def answer(memory: CardMemory, device: Device, block_handle: str, event_handle: str) -> None:
    """The other process's part: read what lies there, and write something else. Raises SystemExit with the reason."""
    try:
        block = memory.open(bytes.fromhex(block_handle), SLAB_ALIGNMENT)
        event = memory.open_event(bytes.fromhex(event_handle))
        end = time.monotonic() + EVENT_SECONDS
        while not (has_come := event.has_come()) and time.monotonic() < end:
            time.sleep(0.001)
    except VisavisError as error:
        raise SystemExit(str(error)) from error
    was_right = np.array_equal(device.download(block.array[: _QUESTION.size]), _QUESTION)
    device.copy(device.upload(_ANSWER), block.array[: _ANSWER.size])
    device.synchronize()
    event.close()
    block.close()
    if not has_come:
        raise SystemExit("An event that one process records does not come in another.")
    if not was_right:
        raise SystemExit("What lies in the card's memory is not seen by another process.")


def main(number: str, *handles: str) -> None:
    """With handles: be the other process; without: say why it does not work, or nothing."""
    try:
        memory, device = CudaMemory(int(number)), Card(int(number))
        if handles:
            answer(memory, device, *handles)
        else:
            sys.stdout.write(tried(memory, device, [sys.executable, "-m", MODULE, number]))
    except VisavisError as error:
        raise SystemExit(str(error)) from error


def _run(command: Sequence[str], seconds: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)  # noqa: S603  -- our own words


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "The process that was to share the card's memory ended without a word."


if __name__ == "__main__":
    main(*sys.argv[1:])
