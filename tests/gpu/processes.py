"""Processes of a lane on a card, each at the other end of a pipe, that are killed and stopped in mid-work."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from shared.memory.card_writer import CardWriter
from shared.memory.layout import SlotClass
from shared.model.errors import FrameLost
from shared.model.pictures import Colour, Geometry, PixelFormat

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

    from shared.cuda.device import Device
    from shared.cuda.pictures import CardPicture
    from shared.model.frames import FrameReference
    from tests.cuda.lanes import EmulatedLane

FULL_HD = Geometry(PixelFormat.NV12, 1920, 1080)
COLOUR = Colour()
SLOTS = 64
CLASSES = (SlotClass(SLOTS, 1920 * 1088 * 3 // 2),)
"""192 MiB: large enough to be missed."""


@lru_cache(maxsize=4)
def pattern(number: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The samples of frame `number`, uint8 [bytes]: another one's differ nearly everywhere."""
    return np.random.default_rng(number).integers(0, 256, FULL_HD.size_bytes, np.uint8)


def fill(device: Device, picture: CardPicture, number: int) -> None:
    """Write a frame's samples into a picture."""
    samples, start = pattern(number), 0
    for plane in picture.planes:
        device.copy(device.upload(samples[start : start + plane.size].reshape(plane.shape)), plane)
        start += plane.size


def is_frame(device: Device, picture: CardPicture, number: int) -> bool:
    """Whether a picture has the samples of that frame."""
    planes = picture.downloaded(device).planes
    return bool(np.array_equal(np.concatenate([plane.ravel() for plane in planes]), pattern(number)))


class Owner:
    """A lane's owner, by words."""

    def __init__(self, lane: EmulatedLane) -> None:
        self._device, self._pool = lane.device, lane.own(*CLASSES)
        self.greeting = self._pool.epoch

    def write(self, number: int, holder: int) -> FrameReference | None:
        """A frame, sealed for a reader; None where no slot is free."""
        slot = self._pool.lease(FULL_HD.size_bytes, "s")
        if slot is None:
            return None
        self._fill(slot, number)
        return self._pool.seal(slot, FULL_HD, COLOUR, holder)

    def grant(self) -> int | None:
        """A slot for a decoder."""
        return self._pool.lease(FULL_HD.size_bytes, "s")

    def seal(self, slot: int, holder: int) -> FrameReference:
        """What a decoder has written."""
        return self._pool.seal(slot, FULL_HD, COLOUR, holder)

    def abandon(self, slot: int) -> None:
        """What a dead decoder had."""
        self._pool.abandon(slot)

    def sweep(self) -> int:
        """How many slots are in use then."""
        self._pool.sweep()
        return self._pool.ledger.in_use

    def end(self) -> int:
        """How many others still had the slab."""
        self._pool.close()
        return self._pool.held_open

    def spin(self) -> None:
        """Write for ever."""
        slot = self._pool.lease(FULL_HD.size_bytes, "spin")
        assert slot is not None
        while True:
            self._fill(slot, 0)

    def _fill(self, slot: int, number: int) -> None:
        fill(self._device, self._pool.writable(slot, FULL_HD, COLOUR), number)
        self._pool.written(slot, self._device)


class Reader:
    """A reader of the lane, by words."""

    greeting = "ready"

    def __init__(self, lane: EmulatedLane) -> None:
        self._device, self._reader = lane.device, lane.reader()

    def open(self) -> int:
        """Its row."""
        self._reader.open()
        return self._reader.row

    def tend(self) -> str:
        """Why frames on the card cannot be read."""
        return self._reader.tend()

    def release(self, reference: FrameReference) -> None:
        """It is done with a frame."""
        self._reader.release(reference)

    def check(self, reference: FrameReference, number: int, pause: Callable[[], object] = int) -> str:
        """Whether the frame has its samples: right, wrong or lost. pause: called while it is looked at."""
        try:
            with self._reader.read(reference, self._device) as picture:
                pause()
                seen = "right" if is_frame(self._device, picture, number) else "wrong"
        except FrameLost:
            return "lost"
        return seen

    def spin(self, reference: FrameReference, number: int) -> None:
        """Look for ever."""
        while True:
            self.check(reference, number)


class Decoder:
    """What writes into granted slots, by words."""

    greeting = "ready"

    def __init__(self, lane: EmulatedLane) -> None:
        self._device, self._writer = lane.device, CardWriter(lane.path, lane.memory)

    def write(self, slot: int, number: int) -> None:
        """A frame."""
        fill(self._device, self._writer.writable(slot, FULL_HD, COLOUR), number)
        self._writer.written(slot, self._device)

    def spin(self, slot: int, number: int) -> None:
        """Write for ever."""
        while True:
            self.write(slot, number)


def serve(pipe: Connection, kind: type[Owner | Reader | Decoder], lane: EmulatedLane) -> None:
    """Be one of them: greet, then answer every word by what it comes to.

    `spin` is answered first; `look` is `check` with a word from outside in between.
    """
    one: Any = kind(lane)
    pipe.send(one.greeting)

    def pause() -> None:
        pipe.send("looking")
        pipe.recv()

    while True:
        word, *rest = pipe.recv()
        if word == "spin":
            pipe.send("spinning")
        if word == "look":
            pipe.send(one.check(*rest, pause=pause))
        else:
            pipe.send(getattr(one, word)(*rest))
