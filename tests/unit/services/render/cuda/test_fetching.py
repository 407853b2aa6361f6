"""Pictures on their way from a card to an encoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.render.chroma import split
from services.render.cuda.fetching import CardCopies, Fetched
from services.render.encoding.thread import EncoderThread
from shared.cuda.pictures import CardPicture
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat
from tests.cuda.likeness import uploaded
from tests.unit.services.render.pictures import noise, same

if TYPE_CHECKING:
    from shared.cuda.device import Device

SIZE = Geometry(PixelFormat.I420, 18, 11)


def test_a_copy_is_the_frame_as_it_was_when_it_was_asked_for(device: Device) -> None:
    first, second, fetched = noise(SIZE, 1), noise(SIZE, 2), Fetched()
    copies, frame = CardCopies(device, fetched), uploaded(device, first)
    copy = copies.blank(frame)
    arrive = copies.begin(frame, copy)
    uploaded(device, second).copy_to(device, frame)  # the next frame, in the same memory
    arrive()
    assert (copy.geometry.format, copy.colour) == (PixelFormat.NV12, first.colour)
    assert same(split(copy), first)
    assert same(split(copies.here(frame)), second)
    assert (fetched.frames, fetched.frame_bytes) == (2, 2 * frame.geometry.size_bytes)


def test_what_the_host_has_drawn_is_laid_out_alike_and_not_counted(device: Device) -> None:
    drawn, fetched = noise(SIZE, 3), Fetched()
    copies = CardCopies(device, fetched)
    copy = copies.blank(drawn)
    copies.begin(drawn, copy)()
    assert copy.geometry.format is PixelFormat.NV12
    assert same(split(copy), drawn)
    assert same(split(copies.here(drawn)), drawn)
    assert fetched == Fetched()


def test_frames_are_encoded_in_order_while_the_next_are_drawn(device: Device) -> None:
    thread, seen = EncoderThread(2, copies=CardCopies(device, Fetched())), list[int]()
    frame = CardPicture.blank(device, uploaded(device, noise(SIZE, 0)).geometry, Colour())
    for number in range(12):
        uploaded(device, Picture.over(SIZE, Colour(), np.full(SIZE.size_bytes, number, np.uint8))).copy_to(
            device, frame
        )
        thread.take(frame, lambda copy: seen.append(int(copy.planes[0][0, 0])))
    thread.close()
    assert seen == list(range(12))


def test_an_abort_waits_for_copies_that_are_under_way(device: Device) -> None:
    thread, frame = EncoderThread(3, copies=CardCopies(device, Fetched())), uploaded(device, noise(SIZE, 5))

    def stuck(_: Picture) -> None:
        raise ValueError("no picture")

    for _ in range(3):
        thread.take(frame, stuck)
    thread.abort()
    device.mark().wait()
