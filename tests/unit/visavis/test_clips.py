"""Frames of clips that the tests write."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace

from shared.model.errors import Rejected
from shared.model.pictures import Matrix, PixelFormat
from visavis.clips import frames

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, count: int = 3, pixels: str = "yuv420p", space: int = Colorspace.ITU601.value) -> Path:
    """Gray frames that grow lighter, with a white upper half."""
    with av.open(str(path), "w") as clip:
        stream = clip.add_stream("ffv1", rate=Fraction(25))
        stream.width, stream.height, stream.pix_fmt = 64, 32, pixels
        stream.codec_context.colorspace = space
        for number in range(count):
            picture = np.full((48, 64), 128, np.uint8)
            picture[:16], picture[16:32] = 235, 40 + 10 * number
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            frame.colorspace, frame.color_range = space, ColorRange.MPEG
            clip.mux(stream.encode(frame if pixels == "yuv420p" else frame.reformat(format=pixels)))
        clip.mux(stream.encode(None))
    return path


def test_frames_come_in_order_and_in_memory_of_their_own(tmp_path: Path) -> None:
    pictures = list(frames(write(tmp_path / "clip.mkv")))
    assert [int(picture.planes[0][20, 5]) for picture in pictures] == [40, 50, 60]
    assert pictures[0].geometry.format is PixelFormat.I420
    assert [plane.shape for plane in pictures[0].planes] == [(32, 64), (16, 32), (16, 32)]


def test_no_more_frames_are_read_than_are_wanted(tmp_path: Path) -> None:
    assert len(list(frames(write(tmp_path / "clip.mkv", 5), 2))) == 2


def test_other_layouts_become_420(tmp_path: Path) -> None:
    [picture] = frames(write(tmp_path / "clip.mkv", 1, "yuv444p"))
    assert picture.planes[1].shape == (16, 32)


@pytest.mark.parametrize(("space", "matrix"), [(Colorspace.ITU709, Matrix.BT709), (Colorspace.ITU601, Matrix.BT601)])
def test_the_matrix_is_the_one_that_the_clip_names(tmp_path: Path, space: Colorspace, matrix: Matrix) -> None:
    [picture] = frames(write(tmp_path / "clip.mkv", 1, space=space.value))
    assert picture.colour.matrix is matrix


def test_a_file_that_is_no_video_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing to see")
    with pytest.raises(Rejected, match="cannot be read"):
        list(frames(tmp_path / "notes.txt"))
