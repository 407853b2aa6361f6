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
        """Map the open file, which from then on is the segment's to close. Raises Misconfigured if it is no pool."""
        _check(fd, size)
        self.fd = fd
        self.memory = mmap.mmap(fd, size)
        self.header: NDArray[np.void] = np.frombuffer(self.memory, layout.HEADER, 1)
        self.readers: NDArray[np.void] = np.frombuffer(
            self.memory, layout.READER, layout.READERS, layout.readers_offset()
        )
        self.slots: NDArray[np.void] = np.frombuffer(
            self.memory, layout.SLOT, int(self.header[0]["slots"]), layout.table_offset()
        )

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
        del self.header, self.readers, self.slots
        with suppress(BufferError):  # a picture is still looked at: mapping and locks go with its last view
            self.memory.close()
        os.close(self.fd)


def remove_orphans(folder: Path = FOLDER) -> list[Path]:
    """Remove segments whose owner is dead, and no decoder writes for it any more; answers which.

    Readers that still have one mapped keep its memory until they open the next.
    """
    removed = []
    for path in folder.glob(f"{PREFIX}*"):
        with suppress(OSError):
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            try:
                mine = locks.try_lock(fd, layout.OWNER_LOCK)
                if mine and os.path.samestat(path.stat(), os.fstat(fd)):
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


def _check(fd: int, size: int) -> None:
    """Before anything is mapped by what the file says: it may be of another version, or no pool at all."""
    head = os.pread(fd, layout.HEADER.itemsize, 0)
    if len(head) == layout.HEADER.itemsize:
        header = np.frombuffer(head, layout.HEADER)[0]
        known = header["magic"] == layout.MAGIC and header["version"] == layout.VERSION
        if known and size >= layout.pixels_offset(int(header["slots"])):
            return
    raise Misconfigured("The segment is not a frame pool of this version: end what made it and remove it.")


def touch(memory: mmap.mmap) -> None:
    """Fault every page in now, by writing: the first frame must not pay for it."""
    np.frombuffer(memory, np.uint8)[layout.pixels_offset(0) :: layout.PAGE] |= 0
