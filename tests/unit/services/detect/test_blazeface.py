"""The two detectors as one."""

from __future__ import annotations

import numpy as np

from services.detect.blazeface import BlazeFace
from services.detect.contracts import Detection
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat

PICTURE = Picture.blank(Geometry(PixelFormat.RGB24, 8, 8), Colour())


class Eye:
    def __init__(self, *seen: Detection) -> None:
        self.seen, self.asked = list(seen), 0

    def detect(self, _: Picture) -> list[Detection]:
        self.asked += 1
        return self.seen


def someone(score: float) -> Detection:
    return Detection((0, 0, 4, 4), np.zeros((6, 2), np.float32), score)


def test_the_short_range_is_not_asked_as_long_as_the_full_range_sees_someone() -> None:
    full, short = Eye(someone(0.9)), Eye(someone(0.8))
    assert BlazeFace(full, short).detect(PICTURE) == full.seen  # type: ignore[arg-type]  # stands for a detector
    assert short.asked == 0


def test_the_short_range_is_asked_where_the_full_range_sees_nobody() -> None:
    full, short = Eye(), Eye(someone(0.8))
    assert BlazeFace(full, short).detect(PICTURE) == short.seen  # type: ignore[arg-type]  # stands for a detector
