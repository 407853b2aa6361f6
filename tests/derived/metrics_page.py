"""Fills the marked place of docs/metrics.md from the list of instruments."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from shared.runtime.instruments import INSTRUMENTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.runtime.instruments import Instrument

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"
_PLACE = re.compile(r"(<!-- metrics -->\n).*?(<!-- /metrics -->)", re.DOTALL)
_KINDS = {"counter": "counter", "gauge": "gauge", "level": "gauge", "histogram": "histogram"}
"""Of Prometheus."""


def written(page: str) -> str:
    """The page with its table made anew."""
    block = "\n".join(_table())
    page, found = _PLACE.subn(lambda marks: f"{marks[1]}\n{block}\n\n{marks[2]}", page)
    if found != 1:
        raise SystemExit(f"docs/metrics.md has {found} places marked `metrics`; it should have one.")
    return page


def _table() -> Iterator[str]:
    yield "| OpenTelemetry | Prometheus | kind | labels | says |"
    yield "|---|---|---|---|---|"
    for one in INSTRUMENTS:
        labels = ", ".join(f"`{name.replace('.', '_')}`" for name in one.attributes)
        unit = "" if one.unit.startswith("{") else f" ({one.unit})"
        yield f"| `{one.name}`{unit} | `{_name(one)}` | {_KINDS[one.kind]} | {labels} | {one.description} |"


def _name(one: Instrument) -> str:
    """As its series are called; a histogram's are this with `_bucket`, `_sum` and `_count`."""
    return f"{one.family}_total" if one.kind == "counter" else one.family


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
