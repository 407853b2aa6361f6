"""tests/system/barcodes.py: what it finds in a result is what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import numpy as np
import pytest

from tests.system.barcodes import Faults, compare, faults, read_clip, write_clip
from visavis.sample import portrait_jpeg

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = [(7, number) for number in range(5)]


@pytest.mark.parametrize(
    ("found", "wrong"),
    [
        (WHOLE, Faults()),
        (WHOLE[:-1], Faults(lost=1)),
        ([*WHOLE, WHOLE[-1]], Faults(doubled=1)),
        ([*WHOLE[:2], (3, 2), *WHOLE[3:]], Faults(lost=1, foreign=1)),
        ([*WHOLE[:2], None, *WHOLE[3:]], Faults(lost=1, unreadable=1)),
        ([WHOLE[1], WHOLE[0], *WHOLE[2:]], Faults(misplaced=1)),
        ([*WHOLE, (7, 5)], Faults(beyond=1)),
        ([], Faults(lost=5)),
    ],
)
def test_what_is_wrong_with_frames_is_told_apart(found: list[tuple[int, int] | None], wrong: Faults) -> None:
    assert compare(found, 7, 5) == wrong


def test_the_tiles_are_read_back_from_the_pixels(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4", portrait_jpeg(), 7, 40)
    assert read_clip(tmp_path / "clip.mp4") == [(7, number) for number in range(40)]
    assert faults(tmp_path / "clip.mp4", 7, 40) == Faults()
    assert faults(tmp_path / "clip.mp4", 8, 40) == Faults(lost=40, foreign=40)


def test_a_frame_without_tiles_that_belong_together_is_unreadable(tmp_path: Path) -> None:
    gray = np.zeros((360, 640), np.uint8)  # the sum of clip 0, number 0 is not 0
    with av.open(str(tmp_path / "black.mp4"), "w") as file:
        video = file.add_stream("libx264", rate=30)
        video.width, video.height, video.pix_fmt = 640, 360, "yuv420p"
        file.mux(video.encode(av.VideoFrame.from_ndarray(gray, "gray").reformat(format="yuv420p")))
        file.mux(video.encode(None))
    assert faults(tmp_path / "black.mp4", 0, 1) == Faults(lost=1, unreadable=1)
