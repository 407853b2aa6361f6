"""Byte ranges."""

from __future__ import annotations

import pytest

from services.gateway.problems import Refusal
from services.gateway.rest.ranges import byte_range


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", None),
        ("bytes=-", None),
        ("bytes=0-9,20-29", None),
        ("frames=0-9", None),
        ("bytes=9-3", None),
        ("bytes=0-0", (0, 1)),
        ("bytes=5-", (5, 100)),
        ("bytes=90-999", (90, 100)),
        ("bytes=-30", (70, 100)),
        ("bytes=-300", (0, 100)),
    ],
)
def test_a_range_is_cut_to_the_result(header: str, expected: tuple[int, int] | None) -> None:
    assert byte_range(header, 100) == expected


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=-0", "bytes=500-600"])
def test_a_range_outside_is_not_satisfiable(header: str) -> None:
    with pytest.raises(Refusal) as refused:
        byte_range(header, 100)
    assert refused.value.headers == {"Content-Range": "bytes */100"}
