from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from services.render.encoding.frames import configure, frame_of
from shared.model.pictures import Colour, Picture
from tests.cuda.likeness import in_turn
from tests.unit.services.render.live import facts, moving, planes_of


def test_a_frame_lies_over_the_pictures_own_memory_where_it_can() -> None:
    picture = moving(facts(), 0)
    assert planes_of(frame_of(picture))[0].ctypes.data == picture.planes[0].ctypes.data


def test_so_does_one_of_nv12() -> None:
    picture = in_turn(moving(facts(), 0))
    frame = frame_of(picture)
    assert frame.format.name == "nv12"
    assert planes_of(frame)[0].ctypes.data == picture.planes[0].ctypes.data
    assert frame.to_ndarray().tobytes() == b"".join(plane.tobytes() for plane in picture.planes)


@pytest.mark.parametrize("size", [(64, 48), (64, 50), (63, 47), (1, 1)])
def test_a_frame_has_the_pictures_samples_and_repeats_the_last_ones_to_even_sides(size: tuple[int, int]) -> None:
    picture = moving(facts(*size), 2)
    for read, plane in zip(planes_of(frame_of(picture)), picture.planes, strict=True):
        rows, columns = plane.shape
        assert np.array_equal(read[:rows, :columns], plane)
        assert np.array_equal(read[-1, :columns], plane[-1])
        assert np.array_equal(read[:rows, -1], plane[:, -1])


@pytest.mark.parametrize("size", [(64, 48), (64, 50), (63, 47), (1, 1)])
def test_a_frame_of_nv12_has_the_samples_that_one_of_i420_has(size: tuple[int, int]) -> None:
    picture = moving(facts(*size), 2)
    shown = frame_of(in_turn(picture)).reformat(format="yuv420p").to_ndarray()
    assert np.array_equal(shown, frame_of(picture).to_ndarray())


def test_planes_that_lie_apart_are_copied_together() -> None:
    near = moving(facts(), 1)
    apart = Picture(near.geometry, near.colour, tuple(plane.copy() for plane in near.planes))
    for read, plane in zip(planes_of(frame_of(apart)), near.planes, strict=True):
        assert np.array_equal(read, plane)


def test_an_encoder_is_told_what_the_facts_say() -> None:
    context = av.CodecContext.create("libx264", "w")
    of = facts(63, 47, colour=Colour(full_range=True), colour_primaries=1, colour_transfer=1, colour_matrix=1)
    configure(context, of, Fraction(1, 90000))
    assert (context.width, context.height, context.pix_fmt) == (64, 48, "yuv420p")
    assert (context.color_primaries, context.color_trc, context.colorspace, context.color_range) == (1, 1, 1, 2)
    assert context.time_base == Fraction(1, 90000)
