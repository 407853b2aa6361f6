from __future__ import annotations

import json
import math
from typing import Any

import msgspec
import numpy as np
import pytest

from shared.model.decimals import points_json


def one_by_one(points: Any) -> bytes:
    """The same, number by number; a negative zero is a zero."""
    return msgspec.json.encode((points.astype(np.float64).round(2) + 0.0).tolist())


@pytest.mark.parametrize("size", [0.02, 1.5, 99, 4000, 19_998, 50_000])
@pytest.mark.parametrize("rows", [1, 5, 468])
def test_points_read_as_if_each_number_had_been_written_alone(rows: int, size: float) -> None:
    points = np.random.default_rng(3).uniform(-size, size, (rows, 3)).astype(np.float32)
    assert bytes(points_json(points)) == one_by_one(points)


@pytest.mark.parametrize("number", [0, -0.001, 0.5, 0.05, 0.995, 0.996, 7, -7, 1.1, 99.99, -99.999, 19_998.99, 19_999])
def test_every_kind_of_number_is_written_short(number: float) -> None:
    points = np.full((2, 3), number, np.float32)
    assert bytes(points_json(points)) == one_by_one(points)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_null(number: float) -> None:
    points = np.array([[1, 2, 3], [4, number, 6]], np.float32)
    assert json.loads(bytes(points_json(points))) == [[1, 2, 3], [4, None, 6]]
