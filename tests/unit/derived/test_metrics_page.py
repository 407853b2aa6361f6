"""docs/metrics.md is in step with the list of instruments."""

from __future__ import annotations

import pytest

from shared.runtime.instruments import INSTRUMENTS
from tests.derived.metrics_page import PAGE, written

TEXT = PAGE.read_text()


def test_the_page_is_that_of_the_list() -> None:
    assert written(TEXT) == TEXT, "run `python -m tests.derived.metrics_page`"


def test_every_metric_stands_there_by_both_its_names() -> None:
    for one in INSTRUMENTS:
        total = "_total" if one.kind == "counter" else ""
        assert f"| `{one.name}`" in TEXT
        assert f"| `{one.family}{total}` |" in TEXT


def test_a_page_without_its_mark_is_refused() -> None:
    with pytest.raises(SystemExit, match="`metrics`"):
        written(TEXT.replace("<!-- metrics -->", ""))
