"""Pictures on their way to an encoder of the card."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from services.render.chroma import split
from services.render.cuda.fetching import CardCopies, Fetched
from services.render.cuda.surface_copies import SurfaceCopies
from services.render.encoding.thread import EncoderThread
from services.render.surface import Surface
from shared.cuda.pictures import CardPicture
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat
from tests.cuda.emulated import EmulatedCard
from tests.cuda.likeness import uploaded
from tests.unit.services.render.pictures import noise, same

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import DTypeLike

    from services.render.copies import Copy
    from shared.cuda.device import Device, DeviceArray

SIZE = Geometry(PixelFormat.I420, 19, 11)


def within(device: Device, surface: Surface) -> Picture:
    return split(surface.picture.downloaded(device))


def test_a_copy_is_the_frame_as_it_was_when_it_was_asked_for(device: Device) -> None:
    first, second = noise(SIZE, 1), noise(SIZE, 2)
    copies, frame = SurfaceCopies(device), uploaded(device, first)
    copy = copies.blank(frame)
    arrive = copies.begin(frame, copy)
    uploaded(device, second).copy_to(device, frame)  # the next frame, in the same memory
    arrive()
    assert copy.picture.colour == first.colour
    assert same(within(device, copy), first)
    assert same(within(device, copies.here(frame)), second)
    assert copies.here(frame) is copies.here(frame)


def test_what_the_host_has_drawn_is_taken_there(device: Device) -> None:
    copies, first, second = SurfaceCopies(device), noise(SIZE, 3), noise(SIZE, 4)
    one, other = copies.blank(first), copies.blank(second)
    arrivals = [copies.begin(first, one), copies.begin(second, other)]
    for arrive in arrivals:
        arrive()
    assert same(within(device, one), first)
    assert same(within(device, other), second)


def test_a_frame_as_it_came_is_copied_by_whoever_reads_it() -> None:
    class Counting(EmulatedCard):
        copied = 0

        def copy(self, source: np.ndarray, target: np.ndarray) -> None:
            self.copied += 1
            super().copy(source, target)

    drawing, copying = Counting(), Counting()
    drawn, came = uploaded(drawing, noise(SIZE, 5)), uploaded(copying, noise(SIZE, 6))
    copies = SurfaceCopies(drawing, copying, lambda frame: frame is drawn)
    copies.here(drawn)
    assert (drawing.copied > 0, copying.copied) == (True, 0)
    before = drawing.copied
    copies.here(came)
    assert (drawing.copied, copying.copied) == (before, before)


def test_they_are_encoded_in_order_while_the_next_are_drawn(device: Device) -> None:
    thread = EncoderThread(2, copies=SurfaceCopies(device))
    frame = CardPicture.blank(device, uploaded(device, noise(SIZE, 0)).geometry, Colour())
    seen: list[Copy] = []
    means = []

    def encode(copy: Copy) -> None:
        assert isinstance(copy, Surface)
        seen.append(copy)
        means.append(int(type(device)().download(copy.picture.planes[0]).mean()))

    for number in range(12):
        samples = np.full(SIZE.size_bytes, number, np.uint8)
        uploaded(device, Picture.over(SIZE, Colour(), samples)).copy_to(device, frame)
        thread.take(frame, encode)
    thread.close()
    assert means == list(range(12))
    assert len({id(copy) for copy in seen}) == 2


def test_a_frame_is_not_copied_to_the_host_for_an_encoder_of_the_card() -> None:
    device, frame = EmulatedCard(), noise(SIZE, 7)
    copy = CardCopies(device, Fetched()).blank(frame)
    with pytest.raises(TypeError, match="encoder of the card"):
        SurfaceCopies(device).begin(frame, copy)


def test_memory_that_another_stream_writes_is_asked_for_when_the_device_is_at_rest() -> None:
    class Told(EmulatedCard):
        def __init__(self) -> None:
            super().__init__()
            self.said: list[str] = []

        def synchronize(self) -> None:
            self.said.append("synchronize")
            super().synchronize()

        def empty(self, shape: Sequence[int], dtype: DTypeLike) -> DeviceArray:
            self.said.append("empty")
            return super().empty(shape, dtype)

    drawing = Told()
    copies = SurfaceCopies(drawing, EmulatedCard(), lambda _: False)
    copies.blank(noise(SIZE, 8))
    copies.here(uploaded(EmulatedCard(), noise(SIZE, 9)))
    assert drawing.said == ["synchronize", "empty"] * 2
