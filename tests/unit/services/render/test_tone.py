from __future__ import annotations

import numpy as np

from services.render.patch import Patch
from services.render.region import Region, Scratch
from services.render.tone import Tone, hold_range
from shared.model.pictures import Colour

REGION = Region(0, 0, 32, 24, 4)
SAMPLES = np.random.default_rng(0).integers(0, 256, (24, 32), np.uint8)


def grid(value: float) -> np.ndarray:
    return np.full(REGION.cells, value, np.float32)


def applied(tone: Tone) -> np.ndarray:
    samples = SAMPLES.copy()
    chroma = np.full((12, 16), 128, np.uint8)
    tone.apply(Patch(samples, chroma, chroma.copy(), 2, Colour(full_range=True)), REGION, Scratch())
    return samples


def test_no_change_leaves_every_bit() -> None:
    assert np.array_equal(applied(Tone()), SAMPLES)


def test_no_weight_leaves_every_bit() -> None:
    tone = Tone()
    tone.blend(0, grid(0), 0.123, grid(77.7))
    assert np.array_equal(applied(tone), SAMPLES)


def test_a_change_is_rounded_and_held_within_bytes() -> None:
    tone = Tone()
    tone.then(0, grid(2), grid(-60.3))
    assert np.array_equal(applied(tone), np.clip(np.rint(2.0 * SAMPLES - 60.3), 0, 255))


def test_changes_follow_one_another() -> None:
    tone = Tone()
    tone.then(0, grid(0.5), grid(10))
    tone.then(0, grid(2), grid(3))
    assert np.array_equal(applied(tone), np.clip(SAMPLES.astype(int) + 23, 0, 255))


def test_half_the_weight_is_half_the_change() -> None:
    tone = Tone()
    tone.blend(0, grid(0.5), 0, 100)
    assert np.abs(applied(tone) - (SAMPLES / 2 + 50)).max() <= 0.5


def test_one_cell_changes_nothing_two_cells_away() -> None:
    weight = grid(0)
    weight[3, 4] = 1
    tone = Tone()
    tone.blend(0, weight, 0, 128)
    rows, columns = np.nonzero(applied(tone) != SAMPLES)
    assert rows.min() > 3 * 4 - 4
    assert rows.max() < 4 * 4 + 4
    assert columns.min() > 4 * 4 - 4
    assert columns.max() < 5 * 4 + 4


def test_the_range_is_held_but_for_samples_that_were_beyond_it() -> None:
    before = np.array([[5, 16, 100, 235, 250]], np.uint8)
    after = np.array([[1, 2, 240, 255, 255]], np.uint8)
    hold_range(before, after, (16, 235), Scratch())
    assert after.tolist() == [[5, 16, 235, 235, 250]]
