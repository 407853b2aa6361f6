"""Settings of ingest."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import ValidationError

from services.ingest.limits import IngestLimits
from services.ingest.settings import IngestSettings
from shared.model.pictures import Geometry, PixelFormat


def test_every_limit_is_a_setting_with_the_same_default() -> None:
    assert IngestSettings().limits == IngestLimits()


def test_a_limit_comes_from_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_MAX_FRAMES", "17")
    assert IngestSettings().limits.max_frames == 17


@pytest.mark.parametrize(("name", "value"), [("max_pixels", 1), ("decoder_niceness", 20), ("small_slots", 3)])
def test_a_value_out_of_bounds_is_refused(name: str, value: int) -> None:
    with pytest.raises(ValidationError, match=name):
        IngestSettings(**{name: value})


@given(some.integers(1, 64), some.integers(256, 5000), some.data())
def test_every_frame_within_the_limits_has_a_slot_that_holds_it(least: int, most: int, data: some.DataObject) -> None:
    short = data.draw(some.integers(least, max(least, int(most**0.5))))
    long = data.draw(some.integers(short, max(short, most // short)))
    settings = IngestSettings(min_side=least, max_pixels=most)
    _, large, _ = settings.slot_classes
    _, large_on_card = settings.card_slot_classes
    if short * long <= most:
        assert Geometry(PixelFormat.NV12, long, short).size_bytes <= large_on_card.size_bytes
        assert Geometry(PixelFormat.I420, short, long).size_bytes <= large.size_bytes
        assert Geometry(PixelFormat.I420, long, short).size_bytes <= large.size_bytes


def test_the_largest_still_has_a_slot_that_holds_it() -> None:
    *_, still = IngestSettings(max_still_pixels=640 * 480).slot_classes
    assert still.size_bytes >= Geometry(PixelFormat.RGB24, 640, 480).size_bytes


def test_two_workers_never_work_in_the_same_folder() -> None:
    folders = {
        IngestSettings(var=Path("v"), lane=lane, worker=worker).ingest_work for lane in "ab" for worker in ("1", "2")
    }
    assert len(folders) == 4
