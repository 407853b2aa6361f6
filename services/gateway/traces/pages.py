"""Traces as HTML: the one door to Jinja2. What stands in a trace is somebody else's text, and is escaped."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

HERE = Path(__file__).parent
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""Of every answer of these routes, problems too. Nothing in a page runs but the script that is served beside it."""
MOST_INDENTED = 12


def page(name: str, status: int = 200, headers: dict[str, str] | None = None, **shown: Any) -> HTMLResponse:
    """A template, filled in."""
    return HTMLResponse(_templates.get_template(name).render(shown), status, headers)


def duration(ms: float | None) -> str:
    """Milliseconds as a person reads them; a dash for None."""
    if ms is None:
        return "–"
    for value, digits, end, unit in ((ms * 1000, 2, 100, "µs"), (ms, 3, 1000, "ms"), (ms / 1000, 3, 60, "s")):
        rounded = float(f"{value:.{digits}g}")  # before the unit is chosen, or there would be 1000 ms
        if rounded < end and (rounded or unit == "ms"):
            return f"{rounded:g} {unit}"
    minutes, seconds = divmod(round(ms / 1000), 60)
    return f"{minutes} min {seconds} s"


def clock(time_ns: int) -> str:
    """A time since 1970 by RFC 3339, to the millisecond."""
    return datetime.fromtimestamp(time_ns / 1e9, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def indent(depth: int) -> int:
    """Which of the classes d0..d12 a row of that depth has."""
    return min(depth, MOST_INDENTED)


def _made() -> Environment:
    found = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {"duration": duration, "clock": clock, "indent": indent}
    return found


_templates = _made()
