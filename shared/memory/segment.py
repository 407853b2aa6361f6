"""A mapped segment of shared memory: where it lies, how it is made, its words as typed views."""

from __future__ import annotations

import mmap
import os
import secrets
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from shared.memory import layout, locks
from shared.model.errors import FrameLost, Misconfigured
from shared.model.pictures import Picture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from shared.model.pictures import Colour, Geometry

FOLDER = Path("/dev/shm")  # noqa: S108  -- POSIX shared memory lives there on Linux (shm_overview(7))
PREFIX = "visavis-"


def segment_path(lane: str) -> Path:
    """Where the pool of a lane lies."""
    return FOLDER / f"{PREFIX}{lane}"


def card_segment_path(lane: str) -> Path:
    """Where the words of a lane's pool on a card lie. No lane's own name has a dot."""
    return FOLDER / f"{PREFIX}{lane}.card"


class Segment:
    """One mapped segment and typed views of its words."""

    def __init__(self, fd: int, size: int, magic: int) -> None:
        """Map the open file, which from then on is the segment's to close. Raises Misconfigured if it is no pool."""
        _check(fd, size, magic)
        self.fd = fd
        self.memory = mmap.mmap(fd, size)
        self.header: NDArray[np.void] = np.frombuffer(self.memory, layout.HEADER, 1)
        self.readers: NDArray[np.void] = np.frombuffer(
            self.memory, layout.READER, layout.READERS, layout.readers_offset()
        )
        self.slots: NDArray[np.void] = np.frombuffer(
            self.memory, layout.SLOT, int(self.header[0]["slots"]), layout.table_offset()
        )
        self.generations: NDArray[np.uint64] = self.slots["generation"]
        """Of each slot, where the owner writes it; a field of a row takes NumPy five times as long to read."""
        self.epoch = int(self.header[0]["epoch"])

    def extent(self, slot: int, geometry: Geometry) -> tuple[int, int]:
        """Where a frame of that geometry begins and ends in the slot. Raises FrameLost if it does not fit."""
        row = self.slots[slot]
        if geometry.size_bytes > int(row["size"]):
            raise FrameLost(
                f"Slot {slot} holds {int(row['size'])} bytes; a {geometry.width}x{geometry.height} does not fit."
            )
        start = int(row["offset"])
        return start, start + geometry.size_bytes

    def close(self) -> None:
        del self.header, self.readers, self.slots, self.generations
        with suppress(BufferError):  # a picture is still looked at: mapping and locks go with its last view
            self.memory.close()
        os.close(self.fd)


class HostSegment(Segment):
    """A segment that has the pixels too."""

    def __init__(self, fd: int, size: int) -> None:
        """As `Segment`."""
        super().__init__(fd, size, layout.HOST_MAGIC)

    def picture(self, slot: int, geometry: Geometry, colour: Colour) -> Picture:
        """The planes of a slot where they lie. Raises FrameLost if they do not fit."""
        start, end = self.extent(slot, geometry)
        return Picture.over(geometry, colour, memoryview(self.memory)[start:end])


@contextmanager
def new_file(path: Path) -> Iterator[tuple[int, Path]]:
    """A new file beside `path`, locked before anyone may take it for an orphan; gone again if the block fails."""
    while True:
        temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        fd = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        if locks.try_lock(fd, layout.OWNER_LOCK) and os.fstat(fd).st_nlink:
            break
        os.close(fd)  # another process, cleaning up, was quicker
    try:
        yield fd, temporary
    except BaseException:
        temporary.unlink(missing_ok=True)
        os.close(fd)
        raise


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


def write_header(fd: int, table: NDArray[np.void], size: int, magic: int) -> None:
    """Write header and slot table of a new segment, with a new epoch."""
    with mmap.mmap(fd, size) as memory:
        header = np.zeros(1, layout.HEADER)
        header["version"], header["slots"] = layout.VERSION, len(table)
        kind = layout.CARD_BIT if magic == layout.CARD_MAGIC else 0
        header["epoch"] = secrets.randbits(62) & ~layout.CARD_BIT | kind | 1
        header["magic"] = magic
        start = layout.table_offset()
        memory[start : start + table.nbytes] = table.tobytes()
        memory[: header.nbytes] = header.tobytes()


def _check(fd: int, size: int, magic: int) -> None:
    """Before anything is mapped by what the file says: it may be of another version, or no pool at all."""
    head = os.pread(fd, layout.HEADER.itemsize, 0)
    if len(head) == layout.HEADER.itemsize:
        header = np.frombuffer(head, layout.HEADER)[0]
        known = header["magic"] == magic and header["version"] == layout.VERSION
        least = layout.card_segment_bytes if magic == layout.CARD_MAGIC else layout.pixels_offset
        if known and size >= least(int(header["slots"])):
            return
    raise Misconfigured("The segment is not a frame pool of this version: end what made it and remove it.")


def touch(memory: mmap.mmap) -> None:
    """Fault every page in now, by writing: the first frame must not pay for it."""
    np.frombuffer(memory, np.uint8)[layout.pixels_offset(0) :: layout.PAGE] |= 0
