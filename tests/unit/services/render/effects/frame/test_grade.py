from __future__ import annotations

import itertools

import numpy as np
import pytest

from services.render.effects.frame.grade import grade
from shared.model.assets import PreparedLut

COLOURS = np.random.default_rng(2).uniform(-0.1, 1.1, (400, 3)).astype(np.float32)


def a_table(size: int, seed: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 1, (size, size, size, 3)).astype("<f4")


def a_lut(table: np.ndarray, **domain: tuple[float, float, float]) -> PreparedLut:
    return PreparedLut(size=len(table), body=table.astype("<f4").tobytes(), **domain)


def slowly(colour: np.ndarray, table: np.ndarray) -> np.ndarray:
    """The mean of the eight entries around one colour, by the volume of the box opposite to each."""
    place = np.clip(colour, 0, 1) * (len(table) - 1)
    low = np.minimum(place.astype(int), len(table) - 2)
    found = np.zeros(3)
    for corner in itertools.product((0, 1), repeat=3):
        weight = np.prod([part if up else 1 - part for part, up in zip(place - low, corner, strict=True)])
        red, green, blue = low + corner
        found += weight * table[blue, green, red]
    return found


@pytest.mark.parametrize("size", [2, 5, 33])
def test_colours_between_the_entries_are_interpolated_by_all_eight_around(size: int) -> None:
    table = a_table(size)
    expected = [slowly(colour, table) for colour in COLOURS]
    assert np.allclose(grade(COLOURS, a_lut(table), 1.0), expected, atol=1e-5)


def test_entries_themselves_are_met() -> None:
    table = a_table(3)
    assert grade(np.array([(1, 0, 0.5)], np.float32), a_lut(table), 1.0)[0] == pytest.approx(table[1, 0, 2])


def test_the_amount_lies_between_the_colour_and_the_tables() -> None:
    inside = np.clip(COLOURS, 0, 1)
    half, whole = (grade(COLOURS, a_lut(a_table(4)), amount) for amount in (0.5, 1.0))
    assert np.allclose(half, (inside + whole) / 2, atol=1e-6)


def test_a_narrow_domain_is_spread_and_what_lies_beyond_counts_as_its_border() -> None:
    lut = a_lut(a_table(4), domain_min=(0.25, 0.25, 0.25), domain_max=(0.75, 0.75, 0.75))
    inside = np.array([(0.25, 0.5, 0.75), (0.0, 0.5, 1.0)], np.float32)
    found = grade(inside, lut, 1.0)
    assert found[0] == pytest.approx(found[1])
    assert found[0] == pytest.approx(slowly(np.array((0, 0.5, 1)), a_table(4)), abs=1e-6)


def test_what_the_table_has_beyond_the_range_is_cut() -> None:
    found = grade(COLOURS, a_lut(3 * a_table(3) - 1), 1.0)
    assert found.min() == 0
    assert found.max() == 1
