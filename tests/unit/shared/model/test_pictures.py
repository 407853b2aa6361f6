from __future__ import annotations

import numpy as np
import pytest

from shared.model.pictures import Colour, Geometry, Picture, PixelFormat

COLOUR = Colour()


@pytest.mark.parametrize(
    ("width", "height", "chroma"), [(16, 8, (4, 8)), (15, 9, (5, 8)), (1, 1, (1, 1)), (2, 1, (1, 1))]
)
def test_chroma_has_a_quarter_of_the_samples_rounded_up(width: int, height: int, chroma: tuple[int, int]) -> None:
    geometry = Geometry(PixelFormat.I420, width, height)
    assert geometry.plane_shapes == ((height, width), chroma, chroma)
    assert geometry.size_bytes == width * height + 2 * chroma[0] * chroma[1]


def test_rgb_is_one_packed_plane() -> None:
    geometry = Geometry(PixelFormat.RGB24, 5, 3)
    assert geometry.plane_shapes == ((3, 5, 3),)
    assert geometry.size_bytes == 45


@pytest.mark.parametrize("pixel_format", list(PixelFormat))
def test_planes_are_views_that_cover_the_memory_without_overlap(pixel_format: PixelFormat) -> None:
    geometry = Geometry(pixel_format, 7, 5)
    memory = bytearray(geometry.size_bytes + 10)
    for number, plane in enumerate(Picture.over(geometry, COLOUR, memory).planes, 1):
        assert not plane.any()
        plane[:] = number
    assert all(memory[: geometry.size_bytes])
    assert not any(memory[geometry.size_bytes :])


def test_another_layout_leaves_the_size() -> None:
    geometry = Geometry(PixelFormat.I420, 17, 9)
    assert geometry.laid_out(PixelFormat.NV12) == Geometry(PixelFormat.NV12, 17, 9)
    assert geometry.laid_out(PixelFormat.NV12).size_bytes == geometry.size_bytes


def test_memory_that_is_too_small_is_refused() -> None:
    with pytest.raises(ValueError, match="smaller"):
        Picture.over(Geometry(PixelFormat.I420, 4, 4), COLOUR, bytearray(23))


def test_what_cannot_be_written_stays_so() -> None:
    picture = Picture.over(Geometry(PixelFormat.I420, 4, 4), COLOUR, bytes(24))
    with pytest.raises(ValueError, match="read-only"):
        picture.planes[0][0, 0] = 1


def test_a_copy_has_every_sample_and_its_own_memory() -> None:
    geometry = Geometry(PixelFormat.I420, 6, 4)
    source, target = Picture.blank(geometry, COLOUR), Picture.blank(geometry, COLOUR)
    for plane in source.planes:
        plane[:] = np.arange(plane.size).reshape(plane.shape)
    source.copy_to(target)
    assert all(np.array_equal(a, b) for a, b in zip(source.planes, target.planes, strict=True))
    source.planes[0][:] = 99
    assert not (target.planes[0] == 99).any()


def test_pictures_of_different_sizes_are_not_copied() -> None:
    source = Picture.blank(Geometry(PixelFormat.I420, 6, 4), COLOUR)
    with pytest.raises(ValueError, match="broadcast"):
        source.copy_to(Picture.blank(Geometry(PixelFormat.I420, 8, 4), COLOUR))


def test_a_picture_in_a_log_shows_no_pixels() -> None:
    assert repr(Picture.blank(Geometry(PixelFormat.RGB24, 6, 4), COLOUR)) == "<Picture rgb24 6x4 bt601>"
