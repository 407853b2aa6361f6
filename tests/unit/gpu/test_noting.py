"""Devices that note who asks them for copies."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from services.render.cuda.fetching import Fetched
from services.render.cuda.looking import upright
from shared.cuda.pictures import CardPicture
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat
from tests.cuda.emulated import WHY_NOT, EmulatedCard
from tests.gpu.copies import TO_CARD, TO_HOST, Asked
from tests.gpu.noting import NOTES, Noting

HERE = __name__


class Fetching(EmulatedCard):
    """It downloads by fetching, as a card does."""

    def download(self, array: Any) -> Any:
        host = np.empty_like(array)
        self.fetch(array, host)
        self.synchronize()
        return host


class NotedFetching(Noting, Fetching):
    """It notes that, too."""


@pytest.fixture(autouse=True)
def _nothing_noted() -> None:
    NOTES.taken()


def test_what_is_asked_for_is_noted_with_its_place() -> None:
    device = NotedFetching()
    there = device.upload(np.zeros(5, np.float32))
    device.download(there)
    device.fetch(there, np.empty(5, np.float32))
    me = f"{HERE}.test_what_is_asked_for_is_noted_with_its_place"
    assert NOTES.taken() == Counter({Asked(TO_CARD, 20, me): 1, Asked(TO_HOST, 20, me): 2})
    assert NOTES.taken() == Counter()


def test_nothing_is_noted_of_what_is_empty_or_stays_on_the_card() -> None:
    device = NotedFetching()
    device.copy(device.empty((3,), np.uint8), device.empty((3,), np.uint8))
    device.upload(np.zeros(0, np.uint8))
    assert NOTES.taken() == Counter()


def test_who_passes_on_is_not_who_asks() -> None:
    device, geometry = NotedFetching(), Geometry(PixelFormat.NV12, 16, 8)
    CardPicture.uploaded(device, Picture.blank(geometry, Colour()))
    me = f"{HERE}.test_who_passes_on_is_not_who_asks"
    assert {one.place for one in NOTES.taken()} == {me}


@pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)
def test_a_module_of_the_lane_is_named_with_its_function() -> None:
    device, geometry = NotedFetching(), Geometry(PixelFormat.NV12, 64, 64)
    picture = CardPicture.blank(device, geometry, Colour())
    upright(device, picture, [np.eye(2, 3)], 80, Fetched())
    place = "services.render.cuda.looking.upright"
    assert NOTES.taken() == Counter({Asked(TO_CARD, 24, place): 1, Asked(TO_HOST, 6400, place): 1})
