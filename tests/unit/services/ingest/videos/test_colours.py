"""services/ingest/videos/colours.py"""

from __future__ import annotations

import pytest

from services.ingest.videos.colours import colour_of, matrix_of, tag_for
from shared.model.pictures import Colour, Matrix

SMALL, LARGE = (640, 480), (1280, 720)


@pytest.mark.parametrize(
    ("tag", "matrix"),
    [(1, Matrix.BT709), (5, Matrix.BT601), (6, Matrix.BT601), (9, Matrix.BT2020), (10, Matrix.BT2020)],
)
def test_a_tag_counts_more_than_the_size(tag: int, matrix: Matrix) -> None:
    assert matrix_of(tag, *SMALL) is matrix_of(tag, *LARGE) is matrix


def test_untagged_video_is_taken_as_players_take_it() -> None:
    assert matrix_of(2, 720, 576) is Matrix.BT601
    assert matrix_of(2, 720, 577) is matrix_of(2, 1280, 536) is Matrix.BT709


@pytest.mark.parametrize(
    ("pixel_format", "range_tag", "full"),
    [
        ("yuv420p", 0, False),
        ("yuv420p", 1, False),
        ("yuv420p", 2, True),
        ("yuvj422p", 0, True),
        ("gray", 0, True),
        ("gray", 1, False),
        ("rgb24", 2, False),
    ],
)
def test_the_range_is_the_tagged_one_or_the_format_s_own(pixel_format: str, range_tag: int, full: bool) -> None:
    assert colour_of(pixel_format, 6, range_tag, SMALL) == Colour(Matrix.BT601, full)


def test_what_was_rgb_is_tagged_with_the_matrix_it_is_converted_by() -> None:
    assert tag_for("bgra", 0, Colour(Matrix.BT709)) == 1
    assert tag_for("yuv420p", 2, Colour(Matrix.BT709)) == 2
