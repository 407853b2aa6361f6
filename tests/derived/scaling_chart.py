"""Lines over a day, as SVG: panels below one another, each with its own scale."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BELOW = 900, 190, 46, 20, 40, 26
HOURS = 24
STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


@dataclass(frozen=True, slots=True)
class Line:
    """One value after the other, evenly over the day."""

    name: str
    colour: str
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Panel:
    """Lines with one scale, from 0."""

    title: str
    lines: Sequence[Line]


def chart(panels: Sequence[Panel]) -> str:
    """The picture; text is the reader's sans-serif."""
    tall = HEIGHT * len(panels)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {tall}" font-family="sans-serif" font-size="11">'
    )
    body = [f'<rect width="{WIDTH}" height="{tall}" fill="#ffffff"/>']
    for at, panel in enumerate(panels):
        body += _panel(panel, at * HEIGHT)
    return "\n".join((head, *body, "</svg>")) + "\n"


def _panel(panel: Panel, top: int) -> Iterator[str]:
    high = max(max(line.values) for line in panel.lines)
    step = next(step for step in STEPS if high / step <= 5)
    scale = (HEIGHT - TOP - BELOW) / high
    floor = top + HEIGHT - BELOW
    yield f'<text x="{LEFT}" y="{top + 16}" font-weight="bold">{escape(panel.title)}</text>'
    for value in range(0, int(high) + 1, step):
        y = floor - value * scale
        yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dddddd"/>'
        yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value}</text>'
    for hour in range(0, HOURS + 1, 3):
        x = LEFT + hour * (WIDTH - LEFT - RIGHT) / HOURS
        yield f'<text x="{x:.1f}" y="{floor + 16}" text-anchor="middle">{hour}:00</text>'
    x = LEFT
    for line in panel.lines:
        if len(panel.lines) > 1:
            yield f'<rect x="{x}" y="{top + 23}" width="14" height="4" fill="{line.colour}"/>'
            yield f'<text x="{x + 18}" y="{top + 30}">{escape(line.name)}</text>'
            x += 30 + 7 * len(line.name)
        yield f'<path d="{_steps(line.values, floor, scale)}" fill="none" stroke="{line.colour}" stroke-width="1.2"/>'


def _steps(values: Sequence[float], floor: float, scale: float) -> str:
    """Each value as long as it holds."""
    width = (WIDTH - LEFT - RIGHT) / len(values)
    moves = [f"M{LEFT},{floor - values[0] * scale:.1f}"]
    for at, value in enumerate(values):
        moves.append(f"V{floor - value * scale:.1f}H{LEFT + (at + 1) * width:.1f}")
    return "".join(moves)
