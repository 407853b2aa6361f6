"""Videos side by side: none waits for one that has failed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.gpu.bench_decode import side_by_side

if TYPE_CHECKING:
    from tests.gpu.bench_decode import Gates

FRAMES = 7


async def test_frames_are_counted_from_when_all_are_open() -> None:
    opened = []

    async def run(gates: Gates) -> int:
        begin, all_open = gates
        opened.append(run)
        await all_open.wait()
        await begin.wait()
        assert len(opened) == 3
        return FRAMES

    assert await side_by_side(3, run) > 0


@pytest.mark.parametrize("is_open", [False, True])
async def test_the_first_that_fails_is_told_before_and_after_all_are_open(is_open: bool) -> None:
    calls = []

    async def run(gates: Gates) -> int:
        begin, all_open = gates
        calls.append(run)
        if len(calls) == 2 and not is_open:
            raise ValueError("no card")
        await all_open.wait()
        await begin.wait()
        if calls.pop() and not calls:
            raise ValueError("no card")
        await asyncio.Event().wait()
        return FRAMES

    with pytest.raises(ExceptionGroup) as told:
        await side_by_side(3, run)
    [error] = told.value.exceptions
    assert repr(error) == "ValueError('no card')"
