"""Whether two processes can share a card's memory here: two of them try it, once.

`python -m shared.memory.card_probe NUMBER` says why they cannot, or nothing.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np

from shared.cuda import card
from shared.cuda.card import Card
from shared.memory.card_memory import CudaMemory
from shared.memory.layout import SLAB_ALIGNMENT
from shared.model.errors import VisavisError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.cuda.device import Device
    from shared.memory.card_memory import CardMemory

SECONDS = 60.0
"""So long the other process may take; it imports CuPy and makes a CUDA context."""
_QUESTION = np.arange(1 << 16, dtype=np.uint32).view(np.uint8)
_ANSWER = 255 - _QUESTION


def why_not(number: int) -> str:
    """Why processes cannot share the memory of that card, in a sentence; empty if they can."""
    if reason := card.why_not():
        return f"{reason[0].upper()}{reason[1:]}."
    try:
        return tried(CudaMemory(number), Card(number), [sys.executable, "-m", __name__, str(number)])
    except VisavisError as error:
        return str(error)


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
            told = subprocess.run([*command, *handles], capture_output=True, text=True, timeout=SECONDS, check=False)  # noqa: S603  -- our own words
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
        block, event = (
            memory.open(bytes.fromhex(block_handle), SLAB_ALIGNMENT),
            memory.open_event(bytes.fromhex(event_handle)),
        )
    except VisavisError as error:
        raise SystemExit(str(error)) from error
    event.wait(device)
    was_right = np.array_equal(device.download(block.array[: _QUESTION.size]), _QUESTION)
    device.copy(device.upload(_ANSWER), block.array[: _ANSWER.size])
    device.synchronize()
    event.close()
    block.close()
    if not was_right:
        raise SystemExit("What lies in the card's memory is not seen by another process.")


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "The process that was to share the card's memory ended without a word."


def main(number: str, *handles: str) -> None:
    """With handles: be the other process; without: say why it does not work, or nothing."""
    if handles:
        answer(CudaMemory(int(number)), Card(int(number)), *handles)
    else:
        sys.stdout.write(why_not(int(number)))


if __name__ == "__main__":
    main(*sys.argv[1:])
