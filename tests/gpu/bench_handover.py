"""What it takes to hand a 1080p frame on: by reference on the card, and by copies through the host's memory.

`python -m tests.gpu.bench_handover` prints the figures as JSON; `make gpu-bench` has them with the others.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from shared.cuda.pictures import CardPicture
from shared.memory.card_writer import CardWriter
from shared.memory.layout import SlotClass
from shared.memory.segment import FOLDER
from tests.children import Child, child
from tests.cuda.lanes import CardLane, EmulatedLane, HostLane
from tests.gpu.processes import COLOUR, FULL_HD

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

    from shared.cuda.device import Device
    from shared.memory.card_pool import CardPool
    from shared.memory.host import HostPool
    from shared.model.frames import FrameReference
    from shared.model.pictures import Picture

CLASSES = (SlotClass(16, 1920 * 1088 * 3 // 2),)
FRAMES = 300
WARM = 20
"""Of each kind before anything is counted."""


class Staging:
    """Memory of the host that a card copies to and from at its full speed; on an emulated one any memory does."""

    def __init__(self, device: Device) -> None:
        self._stream = getattr(device, "stream", None)
        self._planes = [self._pinned(shape) for shape in FULL_HD.plane_shapes]
        self._device = device

    def fetch(self, source: CardPicture, target: Picture) -> None:
        """From the card into the host's pool."""
        for array, plane in zip(source.planes, self._planes, strict=True):
            if self._stream is None:
                np.copyto(plane, array)
            else:
                array.get(stream=self._stream, out=plane, blocking=False)
        self._device.synchronize()
        for plane, written in zip(self._planes, target.planes, strict=True):
            np.copyto(written, plane)

    def bring(self, source: Picture, target: CardPicture) -> None:
        """From the host's pool onto the card."""
        for plane, read in zip(self._planes, source.planes, strict=True):
            np.copyto(plane, read)
        for array, plane in zip(target.planes, self._planes, strict=True):
            if self._stream is None:
                np.copyto(array, plane)
            else:
                array.set(plane, stream=self._stream)
        self._device.synchronize()

    def _pinned(self, shape: tuple[int, ...]) -> np.ndarray[Any, np.dtype[np.uint8]]:
        size = int(np.prod(shape))
        if self._stream is None:
            return np.zeros(shape, np.uint8)
        import cupy  # noqa: PLC0415  -- where there is a card

        return np.frombuffer(cupy.cuda.alloc_pinned_memory(size), np.uint8, size).reshape(shape)


class Receiver:
    """The process at the other end: has each frame ready for its own kernels, and says so."""

    def __init__(self, lane: EmulatedLane, host: HostLane) -> None:
        self._lane, self._device = lane, lane.device
        self._on_card, self._on_host = lane.reader(), host.reader()
        self._on_card.open()
        self._on_host.open()
        self._staging = Staging(self._device)
        self._own = CardPicture.blank(self._device, FULL_HD, COLOUR)
        self.greeting = (self._on_card.row, self._on_host.row)

    def reference(self, reference: FrameReference) -> None:
        """Read where it lies."""
        with self._on_card.read(reference, self._device):
            pass
        self._on_card.release(reference)

    def copies(self, reference: FrameReference) -> None:
        """Brought onto the card again."""
        with self._on_host.read(reference) as picture:
            self._staging.bring(picture, self._own)
            del picture
        self._on_host.release(reference)

    def data(self, reference: FrameReference, folder: Path) -> dict[str, float]:
        """Both ways without a signal between processes: what the writer and the reader do, one after the other."""
        host = HostLane(folder)
        pool, reader, writer = host.own(*CLASSES), host.reader(), CardWriter(self._lane.path, self._lane.memory)
        reader.open()

        def by_reference() -> None:
            writer.written(reference.slot, self._device)
            with self._on_card.read(reference, self._device):
                pass

        def by_copies() -> None:
            slot = leased(pool)
            self._staging.fetch(self._own, pool.writable(slot, FULL_HD, COLOUR))
            sealed = pool.seal(slot, FULL_HD, COLOUR, reader.row)
            with reader.read(sealed) as picture:
                self._staging.bring(picture, self._own)
                del picture
            reader.release(sealed)

        took = interleaved({"data_reference": by_reference, "data_copies": by_copies})
        writer.close()
        reader.close()
        pool.close()
        return took

    def handles(self, handle: bytes, size_bytes: int) -> dict[str, float]:
        """What it takes to have the planes of a frame: with the block open, and with a block to open and close."""
        memory, segment = self._lane.memory, self._on_card._segment
        assert segment is not None

        def look_up() -> None:
            segment.picture(0, FULL_HD, COLOUR)

        def open_it() -> None:
            block = memory.open(handle, size_bytes)
            CardPicture.over(FULL_HD, COLOUR, block.array)
            block.close()

        took = interleaved({"handle_once": look_up})
        self._on_card.close()  # CUDA counts who has a block open: only now is it opened anew
        return took | interleaved({"handle_per_frame": open_it})


def serve(pipe: Connection, lane: EmulatedLane, host: HostLane) -> None:
    """Be the receiver: greet, then answer every word by what it comes to."""
    receiver = Receiver(lane, host)
    pipe.send(receiver.greeting)
    while True:
        word, *rest = pipe.recv()
        pipe.send(getattr(receiver, word)(*rest))


def measure(kind: type[EmulatedLane] = CardLane) -> dict[str, float]:
    """Medians in microseconds over FRAMES frames, each way in turn, and how many times the one is the other."""
    with tempfile.TemporaryDirectory(dir=FOLDER) as made:
        folder = Path(made)
        for name in ("card", "host", "data"):
            (folder / name).mkdir()
        lane, host = kind(folder / "card"), HostLane(folder / "host")
        card_pool, host_pool = lane.own(*CLASSES), host.own(*CLASSES)
        try:
            with child(serve, lane, host) as receiver:
                took = _asked(receiver, lane, card_pool, host_pool, folder / "data")
        finally:
            card_pool.close()
            host_pool.close()
    figures = {f"{name}_us": round(seconds * 1e6, 2) for name, seconds in took.items()}
    for name, slow, quick in (
        ("data", "data_copies", "data_reference"),
        ("hop", "hop_copies", "hop_reference"),
        ("handle", "handle_per_frame", "handle_once"),
    ):
        figures[f"{name}_ratio"] = round(took[slow] / took[quick], 2)
    return figures


def _asked(
    receiver: Child, lane: EmulatedLane, card_pool: CardPool, host_pool: HostPool, folder: Path
) -> dict[str, float]:
    card_row, host_row = receiver.hear()
    device, staging = lane.device, Staging(lane.device)
    frame = CardPicture.blank(device, FULL_HD, COLOUR)  # as a decoder has it

    def by_reference() -> None:
        slot = leased(card_pool)
        frame.copy_to(device, card_pool.writable(slot, FULL_HD, COLOUR))
        card_pool.written(slot, device)
        receiver.ask("reference", card_pool.seal(slot, FULL_HD, COLOUR, card_row))

    def by_copies() -> None:
        slot = leased(host_pool)
        staging.fetch(frame, host_pool.writable(slot, FULL_HD, COLOUR))
        receiver.ask("copies", host_pool.seal(slot, FULL_HD, COLOUR, host_row))

    took = interleaved({"hop_reference": by_reference, "hop_copies": by_copies})
    slot = leased(card_pool)
    card_pool.written(slot, device)
    took |= receiver.ask("data", card_pool.seal(slot, FULL_HD, COLOUR, card_row), folder)
    block = card_pool._segment._block
    return took | receiver.ask("handles", block.handle, block.array.nbytes)


def leased(pool: CardPool | HostPool) -> int:
    """A slot for a frame."""
    slot = pool.lease(FULL_HD.size_bytes, "bench")
    assert slot is not None, "all slots are in use"
    return slot


def interleaved(ways: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Median seconds of each, taken in turn."""
    took: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(WARM + FRAMES):
        for name, way in ways.items():
            begin = time.perf_counter()
            way()
            took[name].append(time.perf_counter() - begin)
    return {name: statistics.median(times[WARM:]) for name, times in took.items()}


if __name__ == "__main__":
    print(json.dumps(measure()))
