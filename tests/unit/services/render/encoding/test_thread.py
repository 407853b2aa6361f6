"""Pictures are encoded in order beside the drawing, on copies of their own."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from services.render.encoding.thread import EncoderThread
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat

SIZE = Geometry(PixelFormat.I420, 16, 16)


def picture(sample: int) -> Picture:
    return Picture.over(SIZE, Colour(), np.full(SIZE.size_bytes, sample, np.uint8))


def test_pictures_are_encoded_in_order_and_as_they_were_when_they_came() -> None:
    thread, seen, drawn = EncoderThread(2), list[int](), picture(0)
    for number in range(20):
        drawn.planes[0][:] = number
        thread.take(drawn, lambda copy: seen.append(int(copy.planes[0][0, 0])))
    thread.close()
    assert seen == list(range(20))


def test_it_is_idle_before_and_after_but_not_while_one_is_under_way() -> None:
    thread, go = EncoderThread(2), threading.Event()
    assert thread.is_idle
    thread.take(picture(0), lambda _: go.wait(10) and None)
    assert not thread.is_idle
    go.set()
    thread.close()
    assert thread.is_idle


def test_what_encoding_raised_is_raised_to_who_goes_on_or_closes() -> None:
    def broken(_: Picture) -> None:
        raise ValueError("no picture")

    going_on, closing = EncoderThread(1), EncoderThread(1)
    for thread in (going_on, closing):
        thread.take(picture(0), broken)
    with pytest.raises(ValueError, match="no picture"):
        going_on.take(picture(1), broken)
    with pytest.raises(ValueError, match="no picture"):
        closing.close()
    for thread in (going_on, closing):
        thread.abort()


def test_after_an_abort_nothing_that_waited_is_encoded() -> None:
    thread, go, seen = EncoderThread(3), threading.Event(), list[int]()
    thread.take(picture(0), lambda _: go.wait(10) and None)
    for number in (1, 2):
        thread.take(picture(number), lambda copy: seen.append(int(copy.planes[0][0, 0])))
    threading.Timer(0.05, go.set).start()
    thread.abort()
    assert seen == []


def test_its_thread_begins_with_what_it_is_told_to() -> None:
    threads = list[int]()
    thread = EncoderThread(1, lambda: threads.append(threading.get_ident()))
    thread.take(picture(0), lambda _: threads.append(threading.get_ident()))
    thread.close()
    assert len(threads) == 2
    assert threads[0] == threads[1] != threading.get_ident()
