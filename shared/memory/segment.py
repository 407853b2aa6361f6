"""A mapped segment of shared memory: where it lies, how it is made, its words as typed views."""

from __future__ import annotations

import mmap
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from shared.memory import layout, locks
from shared.model.errors import FrameLost, Misconfigured
from shared.model.pictures import Colour, Geometry, Picture

if TYPE_CHECKING:
    from numpy.typing import NDArray

FOLDER = Path("/dev/shm")  # noqa: S108  -- POSIX shared memory lives there on Linux (shm_overview(7))
PREFIX = "visavis-"


def segment_path(lane: str) -> Path:
    """Where the pool of a lane lies."""
    return FOLDER / f"{PREFIX}{lane}"


class Segment:
    """One mapped segment and typed views of its words."""

    def __init__(self, fd: int, size: int) -> None:
        self.fd = fd
        self.memory = mmap.mmap(fd, size)
        self.header: NDArray[np.void] = np.frombuffer(self.memory, layout.HEADER, 1)
        self.slots: NDArray[np.void] = np.frombuffer(
            self.memory, layout.SLOT, int(self.header[0]["slots"]), layout.table_offset()
        )

    def check(self) -> None:
        """Raises Misconfigured unless this is a pool of this version."""
        if self.header[0]["magic"] != layout.MAGIC or self.header[0]["version"] != layout.VERSION:
            raise Misconfigured("The segment is not a frame pool of this version: end what made it and remove it.")

    @property
    def epoch(self) -> int:
        return int(self.header[0]["epoch"])

    def picture(self, slot: int, geometry: Geometry, colour: Colour) -> Picture:
        row = self.slots[slot]
        if geometry.size_bytes > int(row["size"]):
            raise FrameLost(
                f"Slot {slot} holds {int(row['size'])} bytes; a {geometry.width}x{geometry.height} does not fit."
            )
        start = int(row["offset"])
        return Picture.over(geometry, colour, memoryview(self.memory)[start : start + geometry.size_bytes])

    def close(self) -> None:
        del self.header, self.slots
        with suppress(BufferError):  # a picture is still looked at: the mapping goes with its last view
            self.memory.close()
        os.close(self.fd)


def remove_orphans(folder: Path = FOLDER) -> list[Path]:
    """Remove segments whose owner and readers are all dead; answers which."""
    removed = []
    for path in folder.glob(f"{PREFIX}*"):
        with suppress(OSError):
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            try:
                if not locks.is_locked(fd, layout.OWNER_LOCK):
                    path.unlink()
                    removed.append(path)
            finally:
                os.close(fd)
    return removed


def write_header(fd: int, table: NDArray[np.void], size: int) -> None:
    """Write header and slot table of a new segment, with a new epoch."""
    with mmap.mmap(fd, size) as memory:
        header = np.zeros(1, layout.HEADER)
        header["version"], header["slots"] = layout.VERSION, len(table)
        header["epoch"] = secrets.randbits(62) | 1
        header["magic"] = layout.MAGIC
        start = layout.table_offset()
        memory[start : start + table.nbytes] = table.tobytes()
        memory[: header.nbytes] = header.tobytes()


def touch(memory: mmap.mmap) -> None:
    """Fault every page in now, by writing: the first frame must not pay for it."""
    np.frombuffer(memory, np.uint8)[layout.pixels_offset(0) :: layout.PAGE] |= 0
