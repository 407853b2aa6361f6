"""Painters beside each other: they draw, and none that is gone is waited for."""

from __future__ import annotations

import os
from functools import partial

import pytest

from tests.cuda.emulated import WHY_NOT, EmulatedCard
from tests.gpu.bench_draw import painters
from tests.gpu.workers import WorkerError


@pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)
@pytest.mark.timeout(600)
def test_painters_draw_as_many_as_are_told_to() -> None:
    with painters(EmulatedCard, 2) as draw:
        assert draw(1) > 0
        assert draw(2) > 0


def test_one_that_is_gone_before_it_draws_is_told() -> None:
    with pytest.raises(WorkerError, match="has ended before its time \\(exit code 3\\)"):
        painters(partial(os._exit, 3), 2).__enter__()


def test_where_there_is_no_way_to_share_a_card_there_are_none() -> None:
    with painters(EmulatedCard, 0):
        pass
