"""A lane's card decoder without a card, as a process: the real one's loop over FFmpeg, an emulated card and files.

python -m tests.cuda.card_process CONTROL_FD PARENT POOL_PATH CARD LIMITS_JSON
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from services.ingest.cuda.messages import CardUnusable, pack
from services.ingest.cuda.process import CardProcess, confine
from services.ingest.limits import IngestLimits
from shared.memory.card_writer import CardWriter
from shared.model.errors import VisavisError
from tests.cuda.emulated import EmulatedCard
from tests.cuda.file_memory import FileMemory
from tests.cuda.pyav_decoder import RANGES, PyAVDecoder

if TYPE_CHECKING:
    from services.ingest.cuda.decoder import CardDecoder
    from services.ingest.cuda.messages import OpenStream
    from shared.cuda.device import Device

PROGRAM = ("-m", "tests.cuda.card_process")


def main(arguments: list[str]) -> None:
    """The card's memory are files beside the pool's."""
    control = socket.socket(fileno=int(arguments[0]))
    confine(int(arguments[1]))
    path = Path(arguments[2])

    def make(opening: OpenStream) -> tuple[CardDecoder, Device]:
        device = EmulatedCard()
        return PyAVDecoder(device, opening.coded.codec), device

    try:
        writer = CardWriter(path, FileMemory(path.parent))
    except VisavisError as error:
        control.send(pack(CardUnusable(str(error))))
        return
    CardProcess(control, writer, make, msgspec.json.decode(arguments[4], type=IngestLimits)).run(RANGES, 1)
    os._exit(0)  # as the real one: threads may still be in a decoder


if __name__ == "__main__":
    main(sys.argv[1:])
