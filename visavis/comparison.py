"""A picture of before and after: several moments of two videos, side by side."""

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


def write_comparison(before: Path, after: Path, target: Path) -> None:
    """Write a PNG: a row for each of four moments, before on the left, after on the right.

    Raises Lost if the videos have no frame in common.
    """
    count = min(_count(before), _count(after))
    if not count:
        raise Lost("There is no frame to compare.")
    numbers = [int((moment + 0.5) * count / MOMENTS) for moment in range(MOMENTS)]
    rows = zip(_frames(before, numbers), _frames(after, numbers), strict=True)
    sheet = np.vstack([_padded(np.hstack([_padded(left), _padded(right)])) for left, right in rows])
    cv2.imwrite(str(target), sheet)


def _count(path: Path) -> int:
    with av.open(str(path)) as video:
        return sum(1 for packet in video.demux(video=0) if packet.size)


def _frames(path: Path, numbers: list[int]) -> list[Pixels]:
    """The frames of those numbers, BGR, of the width of a cell; the last frame where one is missing."""
    found: list[Pixels] = []
    with av.open(str(path)) as video:
        for number, frame in enumerate(video.decode(video=0)):
            if number in numbers:
                found.append(_scaled(np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)))
            if number >= numbers[-1]:
                break
    return found + found[-1:] * (len(numbers) - len(found))


def _scaled(pixels: Pixels) -> Pixels:
    height = round(pixels.shape[0] * CELL_WIDTH / pixels.shape[1])
    return np.asarray(cv2.resize(pixels, (CELL_WIDTH, height), interpolation=cv2.INTER_AREA), np.uint8)


def _padded(pixels: Pixels) -> Pixels:
    half = MARGIN // 2
    return np.pad(pixels, ((half, half), (half, half), (0, 0)), constant_values=255)
