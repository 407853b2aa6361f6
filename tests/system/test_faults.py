"""A sample of the fault campaign: each process is killed once, at a moment by lot. `make faults` does all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.points import Point, lot, sample
from tests.faults.rounds import Round, Rounds
from tests.faults.stand import Stand

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SEED = 1
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def rounds(models: Path, portrait: bytes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rounds]:
    """Rounds of one stand, of which nothing is left."""
    with Stand(tmp_path_factory.mktemp("faults"), models, portrait) as stand:
        yield Rounds(stand, lot(SEED))
    assert not any(stand.left.values()), stand.left


@pytest.mark.parametrize("point", sample(SEED), ids=lambda point: point.name)
def test_no_sudden_death_costs_a_job_or_a_frame_or_leaves_anything(rounds: Rounds, point: Point) -> None:
    found: Round = rounds.run(point)
    assert found.is_clean, found
    assert found.hit, "the moment was always over before the process was found"
