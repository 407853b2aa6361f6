"""A picture of before and after: several moments of two videos, side by side, close enough to see the difference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import cv2
import numpy as np

from shared.model.errors import Lost

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

MOMENTS = 4
CELL_WIDTH = 800
MARGIN = 8
VISIBLE = 8
"""Grey levels of difference that an eye sees and an encoder does not make alone."""


def write_comparison(before: Path, after: Path, target: Path) -> None:
    """Write a PNG: a row for each of four moments, before on the left, after on the right.

    Raises Lost if the videos have no frame in common.
    """
    count = min(_count(before), _count(after))
    if not count:
        raise Lost("There is no frame to compare.")
    numbers = [int((moment + 0.5) * count / MOMENTS) for moment in range(MOMENTS)]
    pairs = [_alike(*pair) for pair in zip(_frames(before, numbers), _frames(after, numbers), strict=True)]
    sheet = np.vstack([np.hstack([_padded(_scaled(side)) for side in _close_up(*pair)]) for pair in pairs])
    done, png = cv2.imencode(".png", sheet)
    assert done  # noqa: S101  -- an array of this shape can always be encoded
    target.write_bytes(png.tobytes())


def _alike(before: Pixels, after: Pixels) -> tuple[Pixels, Pixels]:
    """Both of the size of the first: an encoder makes odd sides even."""
    height, width, _ = before.shape
    after = after[:height, :width]
    if after.shape != before.shape:
        after = np.asarray(cv2.resize(after, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    return before, after


def _close_up(before: Pixels, after: Pixels) -> tuple[Pixels, Pixels]:
    """The same half of the width and height of both, around the middle of what differs; all of it if nothing does."""
    difference = cv2.blur(cv2.absdiff(before, after).max(axis=-1), (9, 9))
    rows, columns = np.nonzero(difference > VISIBLE)
    if not rows.size:
        return before, after
    size = before.shape[0] // 2, before.shape[1] // 2
    top, left = (
        int(np.clip(np.median(found) - side // 2, 0, side)) for found, side in ((rows, size[0]), (columns, size[1]))
    )
    part = np.s_[top : top + size[0], left : left + size[1]]
    return before[part], after[part]


def _count(path: Path) -> int:
    with av.open(str(path)) as video:
        return sum(1 for packet in video.demux(video=0) if packet.size)


def _frames(path: Path, numbers: list[int]) -> list[Pixels]:
    """The frames of those numbers, BGR, upright; the last frame where one is missing."""
    found: list[Pixels] = []
    with av.open(str(path)) as video:
        for number, frame in enumerate(video.decode(video=0)):
            if number in numbers:
                pixels = np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
                found.append(np.ascontiguousarray(np.rot90(pixels, frame.rotation // 90)))
            if number >= numbers[-1]:
                break
    return found + found[-1:] * (len(numbers) - len(found))


def _scaled(pixels: Pixels) -> Pixels:
    height = round(pixels.shape[0] * CELL_WIDTH / pixels.shape[1])
    return np.asarray(cv2.resize(pixels, (CELL_WIDTH, height), interpolation=cv2.INTER_AREA), np.uint8)


def _padded(pixels: Pixels) -> Pixels:
    half = MARGIN // 2
    return np.pad(pixels, ((half, half), (half, half), (0, 0)), constant_values=255)
