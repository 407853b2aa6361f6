from __future__ import annotations

from services.render.cuda.places import EFFECTS
from services.render.cuda.records import JOB
from services.render.effects.skin import smooth
from tests.derived.tone_constants import HEADER, written


def test_what_kernels_know_is_what_python_says() -> None:
    assert HEADER.read_text() == written(), "run `python -m tests.derived.tone_constants`"


def test_constants_numbers_and_records_are_all_there() -> None:
    header = written()
    assert f"#define SMOOTH_EDGE_LEVELS {smooth.EDGE_LEVELS}f" in header
    assert all(f"    EFFECT_{name.upper()}," in header for name in EFFECTS)
    assert "TYPE_CHECKING" not in header
    assert JOB.itemsize % 8 == 0, "in an array of records each begins where C has it begin"
