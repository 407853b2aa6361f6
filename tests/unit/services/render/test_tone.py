from __future__ import annotations

import numpy as np

from services.render.patch import Patch
from services.render.region import Region, Scratch
from services.render.tone import Tone, hold_range
from shared.model.pictures import Colour

REGION = Region(0, 0, 32, 24, 4)
SAMPLES = np.random.default_rng(0).integers(0, 256, (24, 32), np.uint8)


CELLS = tuple(np.full(REGION.cells, level, np.float32) for level in (100, 128, 128))


def grid(value: float) -> np.ndarray:
    return np.full(REGION.cells, value, np.float32)


def applied(tone: Tone, samples: np.ndarray = SAMPLES) -> tuple[np.ndarray, np.ndarray]:
    """Y and Cb."""
    luma, chroma = samples.copy(), np.full((12, 16), 128, np.uint8)
    tone.apply(Patch(luma, chroma, chroma.copy(), 2, Colour(full_range=True)), REGION, Scratch())
    return luma, chroma


def test_no_change_leaves_every_bit() -> None:
    assert np.array_equal(applied(Tone(CELLS))[0], SAMPLES)


def test_no_weight_leaves_every_bit() -> None:
    tone = Tone(CELLS)
    tone.blend_luma(grid(0), grid(0.123), grid(77.7))
    tone.towards(0, grid(0), 30)
    tone.towards(1, grid(0), 30)
    luma, chroma = applied(tone)
    assert np.array_equal(luma, SAMPLES)
    assert (chroma == 128).all()


def test_a_change_is_rounded_and_held_within_bytes() -> None:
    tone = Tone(CELLS)
    tone.blend_luma(grid(1), grid(2), grid(-60.3))
    assert np.array_equal(applied(tone)[0], np.clip(np.rint(2.0 * SAMPLES - 60.3), 0, 255))


def test_changes_follow_one_another() -> None:
    tone = Tone(CELLS)
    tone.blend_luma(grid(1), grid(0.5), grid(10))
    tone.blend_luma(grid(1), grid(2), grid(3))
    tone.add(0, grid(4))
    assert np.array_equal(applied(tone)[0], np.clip(SAMPLES.astype(int) + 27, 0, 255))


def test_half_the_weight_is_half_the_change() -> None:
    tone = Tone(CELLS)
    tone.blend_luma(grid(0.5), grid(0), grid(100))
    assert np.abs(applied(tone)[0] - (SAMPLES / 2 + 50)).max() <= 0.5


def test_a_cell_comes_to_a_level_from_where_it_is_by_now_and_keeps_what_is_finer() -> None:
    tone, fine = Tone(CELLS), np.full((24, 32), 100, np.uint8)
    fine[::2] += 3
    fine[1::2] -= 3
    tone.blend_luma(grid(1), grid(0.5), grid(20))
    tone.add(0, grid(9))
    tone.towards(0, grid(1), 60)
    tone.towards(1, grid(0.5), 90)
    tone.towards(1, grid(1), 140)
    luma, chroma = applied(tone, fine)
    assert luma[8:16, 8:16].mean() == 60
    assert np.ptp(luma[8:16]) in {2, 3, 4}
    assert (chroma == 140).all()


def test_one_cell_changes_nothing_two_cells_away() -> None:
    weight = grid(0)
    weight[3, 4] = 1
    tone = Tone(CELLS)
    tone.towards(0, weight, 128)
    rows, columns = np.nonzero(applied(tone)[0] != SAMPLES)
    assert rows.min() > 3 * 4 - 4
    assert rows.max() < 4 * 4 + 4
    assert columns.min() > 4 * 4 - 4
    assert columns.max() < 5 * 4 + 4


def test_sharpening_adds_what_is_finer_than_its_window() -> None:
    tone, edge = Tone(CELLS), np.where(np.arange(32) < 16, 80, 160).astype(np.uint8)[None].repeat(24, axis=0)
    tone.sharpen(grid(0.5), 1)
    luma, _ = applied(tone, edge)
    assert luma[12, [2, 15, 16, 29]].tolist() == [80, 66, 174, 160]


def test_the_range_is_held_but_for_samples_that_were_beyond_it() -> None:
    before = np.array([[5, 16, 100, 235, 250]], np.uint8)
    after = np.array([[1, 2, 240, 255, 255]], np.uint8)
    hold_range(before, after, (16, 235), Scratch())
    assert after.tolist() == [[5, 16, 235, 235, 250]]


def test_a_tint_brings_the_colour_to_its_levels_and_leaves_the_luma() -> None:
    tone = Tone(CELLS)
    tone.tint(grid(0.5), 100, 128)
    luma, chroma = applied(tone)
    assert np.array_equal(luma, SAMPLES)
    assert (chroma == 114).all()


def test_a_lift_adds_a_parabola_that_is_nothing_at_black_and_white() -> None:
    for level, more in ((0, 0), (127.5, 0.4 * 255 / 4), (255, 0)):
        tone = Tone((grid(level), *CELLS[1:]))
        tone.lift(grid(1), 0.4, (0, 255))
        luma, _ = applied(tone, np.full((24, 32), 60, np.uint8))
        assert np.abs(luma - (60 + more)).max() <= 0.5
