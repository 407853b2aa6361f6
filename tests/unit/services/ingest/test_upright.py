"""services/ingest/upright.py"""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from services.ingest.upright import Orientation

STORED = np.arange(12, dtype=np.uint8).reshape(3, 4)
ONE = 1 << 16


def matrix(a: int, b: int, c: int, d: int) -> bytes:
    return np.array([a, b, 0, c, d, 0, 0, 0, 1 << 30], "=i4").tobytes()


@pytest.mark.parametrize(
    ("stored_matrix", "expected"),
    [
        (matrix(ONE, 0, 0, ONE), STORED),
        (matrix(0, ONE, -ONE, 0), np.rot90(STORED, -1)),
        (matrix(0, -ONE, ONE, 0), np.rot90(STORED, 1)),
        (matrix(-ONE, 0, 0, -ONE), np.rot90(STORED, 2)),
        (matrix(-ONE, 0, 0, ONE), STORED[:, ::-1]),
        (matrix(ONE, 0, 0, -ONE), STORED[::-1]),
        (matrix(0, ONE, ONE, 0), STORED.T),
        (matrix(ONE - 9, 900, -900, ONE - 9), STORED),
        (b"", STORED),
    ],
)
def test_a_display_matrix_turns_and_mirrors(stored_matrix: bytes, expected: np.ndarray) -> None:
    orientation = Orientation.of_matrix(stored_matrix)
    assert np.array_equal(orientation.upright(STORED), expected)
    assert orientation.size(4, 3) == expected.shape[::-1]


@pytest.mark.parametrize("value", range(1, 9))
def test_exif_orientations_are_those_of_pillow(value: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = value
    body = io.BytesIO()
    Image.fromarray(STORED).save(body, "PNG", exif=exif)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(body)))
    assert np.array_equal(Orientation.of_exif(value).upright(STORED), expected)


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_upright(value: int) -> None:
    assert Orientation.of_exif(value) == Orientation()


@pytest.mark.parametrize("value", range(1, 9))
def test_as_stored_undoes_upright(value: int) -> None:
    orientation = Orientation.of_exif(value)
    assert np.array_equal(orientation.as_stored(orientation.upright(STORED)), STORED)


@pytest.mark.parametrize("value", range(1, 9))
def test_a_copy_larger_than_a_tile_is_complete(value: int) -> None:
    stored = np.random.default_rng(1).integers(0, 256, (301, 263), np.uint8)
    orientation = Orientation.of_exif(value)
    target = np.zeros(orientation.upright(stored).shape, np.uint8)
    orientation.copy(stored, target)
    assert np.array_equal(target, orientation.upright(stored))
