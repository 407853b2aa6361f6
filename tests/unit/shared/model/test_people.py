from __future__ import annotations

import zlib

import msgspec
import numpy as np
import pytest

from shared.model.errors import Malformed
from shared.model.people import MOST_SIDE, PeopleMask

ALPHA = np.random.default_rng(5).integers(0, 256, (9, 16), np.uint8)


@pytest.mark.parametrize("alpha", [ALPHA, ALPHA[::2, ::3], np.full((1, 1), 255, np.uint8)], ids=["whole", "cut", "one"])
def test_a_mask_keeps_its_samples_over_the_wire(alpha: np.ndarray) -> None:
    mask = msgspec.msgpack.decode(msgspec.msgpack.encode(PeopleMask.of(alpha)), type=PeopleMask)
    assert (mask.rows, mask.columns) == alpha.shape
    assert np.array_equal(mask.alpha, alpha)


def test_samples_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="read-only"):
        PeopleMask.of(ALPHA).alpha[0, 0] = 1


@pytest.mark.parametrize(
    "array",
    [ALPHA.astype(np.float32), ALPHA[0], ALPHA[:0], np.zeros((1, MOST_SIDE + 1), np.uint8)],
    ids=["floats", "flat", "empty", "too wide"],
)
def test_what_is_no_mask_is_refused(array: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8"):
        PeopleMask.of(array)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no packing",
        zlib.compress(bytes(9 * 16 - 1)),
        zlib.compress(bytes(9 * 16 + 1)),
        zlib.compress(bytes(9 * 16))[:-1],
        zlib.compress(bytes(9 * 16)) + b"more",
        zlib.compress(bytes(9 * 16))[:-4] + bytes(4),
    ],
    ids=["empty", "foreign", "short", "long", "cut", "followed", "spoilt"],
)
def test_a_body_that_is_not_what_the_mask_says_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed, match="mask of people"):
        _ = PeopleMask(9, 16, body).alpha


def test_a_body_of_many_samples_is_not_unpacked_beyond_those_that_the_mask_says() -> None:
    bomb = PeopleMask(9, 16, zlib.compress(bytes(64 << 20)))
    with pytest.raises(Malformed, match="9 x 16"):
        _ = bomb.alpha


@pytest.mark.parametrize("sides", [(0, 16), (-1, 16), (9, MOST_SIDE + 1), (1 << 40, 1)])
def test_a_mask_that_would_be_too_large_is_not_read(sides: tuple[int, int]) -> None:
    lying = msgspec.msgpack.encode((*sides, b""))
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(lying, type=PeopleMask)


def test_no_sample_of_it_is_written_to_a_log() -> None:
    assert repr(PeopleMask.of(ALPHA)) == "<PeopleMask 16x9>"
