"""The picture of before and after."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import av
import cv2
import numpy as np
import pytest

from visavis.comparison import CELL_WIDTH, MARGIN, MOMENTS, write_comparison

if TYPE_CHECKING:
    from pathlib import Path


def video(path: Path, size: tuple[int, int] = (160, 90), frames: int = 8, spot: int = 0, rotation: int = 0) -> Path:
    """A grey clip with a bright upper left corner; `spot`: how bright a square in the middle is."""
    with av.open(str(path), "w", format="matroska") as file:
        stream = file.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = *size, "bgr0"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 25)
        if rotation:
            stream.set_display_rotation(rotation)
        pixels = np.full((size[1], size[0], 4), 60, np.uint8)
        pixels[: size[1] // 4, : size[0] // 4] = 200
        if spot:
            pixels[size[1] // 2 - 10 : size[1] // 2 + 10, size[0] // 2 - 10 : size[0] // 2 + 10] = spot
        file.start_encoding()
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(pixels, "bgra").reformat(format="bgr0")
            frame.pts = number
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


def sheet(before: Path, after: Path) -> np.ndarray:
    target = before.parent / "sheet.png"
    write_comparison(before, after, target)
    return cv2.imread(str(target))


def test_each_moment_is_a_row_with_before_on_the_left_and_after_on_the_right(tmp_path: Path) -> None:
    found = sheet(video(tmp_path / "before"), video(tmp_path / "after", spot=250))
    height = 450 + MARGIN
    assert found.shape == (MOMENTS * height, 2 * (CELL_WIDTH + MARGIN), 3)
    for row in range(MOMENTS):
        left, right = (found[row * height + height // 2, x] for x in (CELL_WIDTH // 2, CELL_WIDTH * 3 // 2))
        assert (left.max(), right.min()) == (60, 250)


def test_what_differs_is_shown_close_up_and_else_the_whole_frame(tmp_path: Path) -> None:
    before = video(tmp_path / "before")
    assert (sheet(before, before) == 200).all(axis=-1).any()
    assert not (sheet(before, video(tmp_path / "after", spot=250)) == 200).all(axis=-1).any()


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_a_clip_of_few_frames_has_as_many_moments(tmp_path: Path, frames: int) -> None:
    found = sheet(video(tmp_path / "before", frames=frames), video(tmp_path / "after", frames=8))
    assert found.shape[0] == MOMENTS * (450 + MARGIN)


def test_an_odd_size_that_the_encoder_made_even_can_be_compared(tmp_path: Path) -> None:
    found = sheet(video(tmp_path / "before", size=(161, 91)), video(tmp_path / "after", size=(162, 92), spot=250))
    assert found.shape[1] == 2 * (CELL_WIDTH + MARGIN)


@pytest.mark.parametrize(("rotation", "corner"), [(90, "lower left"), (-90, "upper right")])
def test_a_clip_that_players_turn_is_shown_upright(tmp_path: Path, rotation: int, corner: str) -> None:
    turned = video(tmp_path / "turned", rotation=rotation)
    assert sheet(turned, video(tmp_path / "upright", size=(90, 160))).shape[1] == 2 * (CELL_WIDTH + MARGIN)
    found = sheet(turned, turned)
    cell = found[: found.shape[0] // MOMENTS, : CELL_WIDTH + MARGIN]
    rows, columns = np.nonzero((cell == 200).all(axis=-1))
    assert (rows.mean() > cell.shape[0] / 2) == ("lower" in corner)
    assert (columns.mean() > cell.shape[1] / 2) == ("right" in corner)


def test_a_folder_that_cannot_be_written_to_is_an_error(tmp_path: Path) -> None:
    clip = video(tmp_path / "clip")
    with pytest.raises(OSError, match="missing"):
        write_comparison(clip, clip, tmp_path / "missing" / "sheet.png")
