"""A dashboard as a picture, drawn from what Prometheus answers: a look at its panels where there is no Grafana."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Ask = Callable[[str], list[dict[str, Any]]]
    """An expression's series over the time that is shown, as Prometheus' query_range gives them."""

COLUMN_PX, LINE_PX = 50, 26
"""Of Grafana's grid of 24 columns."""
GAP, MARGIN = 6, 10
LEFT, TOP, UNDER = 52, 28, 50
"""Within a panel, beside the lines."""
PAPER, PANEL, INK, FAINT = (238, 240, 243), (255, 255, 255), (36, 41, 46), (205, 210, 216)
COLOURS = (
    (31, 119, 180), (255, 127, 14), (44, 160, 44), (214, 39, 40), (148, 103, 189), (140, 86, 75), (227, 119, 194),
    (127, 127, 127), (188, 189, 34), (23, 190, 207),
)  # fmt: skip
LEVELS = {"green": (30, 132, 73), "orange": (202, 111, 30), "red": (192, 57, 43)}
_STEPS = (1, 2, 2.5, 5, 10)
_BYTES = ("B", "KiB", "MiB", "GiB", "TiB")


class Line(NamedTuple):
    """One series."""

    legend: str
    points: dict[float, float]
    """Values by time, seconds."""


def drawn(dashboard: Path, ask: Ask, start: float, end: float, rate_seconds: float) -> Image.Image:
    """RGB. ask: answers for the time from start to end; rate_seconds: what `$__rate_interval` stands for."""
    panels = json.loads(dashboard.read_text())["panels"]
    lines = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels)
    image = Image.new("RGB", (24 * COLUMN_PX + 2 * MARGIN, lines * LINE_PX + 2 * MARGIN), PAPER)
    draw = ImageDraw.Draw(image)
    for panel in panels:
        series = [line for target in panel.get("targets", ()) for line in _asked(target, ask, rate_seconds)]
        _Panel(draw, panel, (start, end)).show(series)
    return image


def in_time(expr: str, rate_seconds: float) -> str:
    """An expression whose `$__rate_interval` is a time."""
    return expr.replace("$__rate_interval", f"{round(rate_seconds)}s")


def said(value: float, unit: str) -> str:
    """A number as a panel of that unit writes it."""
    if unit == "s":
        step = next((one for one in (1, 1e-3, 1e-6) if value >= one), 1 if value == 0 else 1e-6)
        return f"{value / step:.3g} {({1: 's', 1e-3: 'ms', 1e-6: 'µs'})[step]}"
    if unit == "percentunit":
        return f"{value * 100:.3g} %"
    if unit == "bytes":
        power = _power(value)
        return f"{value / 1024**power:.4g} {_BYTES[power]}"
    return f"{value:.3g}"


def ceiling(value: float, unit: str = "short") -> float:
    """The next round number above, as it is written in that unit."""
    if value <= 0:
        return 1.0
    if unit == "bytes" and value >= 1024:
        whole = 1024 ** _power(value)
        return ceiling(value / whole) * whole
    scale = 10 ** math.floor(math.log10(value))
    return next((step * scale for step in _STEPS if step * scale >= value * 0.999), 20 * scale)


def _power(value: float) -> int:
    return min(len(_BYTES) - 1, int(math.log(value, 1024))) if value >= 1 else 0


def _asked(target: dict[str, Any], ask: Ask, rate_seconds: float) -> list[Line]:
    found = ask(in_time(target["expr"], rate_seconds)) if "expr" in target else []
    return [
        Line(
            re.sub(r"\{\{(\w+)\}\}", lambda label, one=one: one["metric"].get(label[1], ""), target["legendFormat"]),
            {at: float(value) for at, value in one["values"] if value not in {"NaN", "+Inf", "-Inf"}},
        )
        for one in found
    ]


class _Panel:
    """One panel on the picture."""

    def __init__(self, draw: ImageDraw.ImageDraw, panel: dict[str, Any], span: tuple[float, float]) -> None:
        self._draw, self._panel, self._span = draw, panel, span
        place = panel["gridPos"]
        self.x0 = MARGIN + place["x"] * COLUMN_PX + GAP // 2
        self.y0 = MARGIN + place["y"] * LINE_PX + GAP // 2
        self.x1, self.y1 = self.x0 + place["w"] * COLUMN_PX - GAP, self.y0 + place["h"] * LINE_PX - GAP
        defaults = panel.get("fieldConfig", {}).get("defaults", {})
        self._unit = defaults.get("unit", "short")
        self._thresholds = defaults.get("thresholds", {}).get("steps", [])

    def show(self, lines: list[Line]) -> None:
        """Draw it."""
        if self._panel["type"] == "row":
            self._write(self.x0, self.y0 + 2, self._panel["title"], 15)
            return
        self._draw.rounded_rectangle((self.x0, self.y0, self.x1, self.y1), 4, PANEL, FAINT)
        self._write(self.x0 + 8, self.y0 + 6, self._panel["title"], 13)
        kinds = {"stat": self._number, "timeseries": self._over_time, "state-timeline": self._states}
        kinds.get(self._panel["type"], lambda _: None)(lines)

    def _number(self, lines: list[Line]) -> None:
        values = [line.points[max(line.points)] for line in lines if line.points]
        text = said(values[-1], self._unit) if values else "-"
        at = (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2 + 8
        self._draw.text(at, text, self._level(values[-1]) if values else INK, ImageFont.load_default(34), "mm")

    def _level(self, value: float) -> tuple[int, int, int]:
        passed = [step["color"] for step in self._thresholds if step["value"] is None or value >= step["value"]]
        return LEVELS[passed[-1]] if passed else INK

    def _over_time(self, lines: list[Line]) -> None:
        stacking = self._panel["fieldConfig"]["defaults"].get("custom", {}).get("stacking", {})
        bands = _stacked(lines) if stacking.get("mode") == "normal" else [(line.points, {}) for line in lines]
        highest = ceiling(max((value for points, _ in bands for value in points.values()), default=0), self._unit)
        self._grid(highest)
        for (points, below), colour in zip(bands, _colours(), strict=False):
            edge = [self._at(time, value, highest) for time, value in sorted(points.items())]
            if len(edge) < 2:
                continue
            if below:
                floor = [self._at(time, value, highest) for time, value in sorted(below.items(), reverse=True)]
                self._draw.polygon([*edge, *floor], _paler(colour))
            self._draw.line(edge, colour, 2, "curve")
        self._legend([line.legend for line in lines])

    def _grid(self, highest: float) -> None:
        for quarter in range(0, 5, 2):
            value = highest * quarter / 4
            x, y = self._at(self._span[0], value, highest)
            self._draw.line((x, y, self.x1 - 10, y), FAINT)
            self._draw.text((x - 5, y), said(value, self._unit), INK, ImageFont.load_default(10), "rm")
        for third in range(4):
            time = self._span[0] + (self._span[1] - self._span[0]) * third / 3
            x, y = self._at(time, 0, highest)
            self._draw.text((x, y + 4), f"{time - self._span[0]:.0f} s", INK, ImageFont.load_default(10), "mt")

    def _at(self, time: float, value: float, highest: float) -> tuple[float, float]:
        part = (time - self._span[0]) / (self._span[1] - self._span[0])
        left, right, top, bottom = self.x0 + LEFT, self.x1 - 10, self.y0 + TOP, self.y1 - UNDER
        return left + part * (right - left), bottom - min(1.0, value / highest) * (bottom - top)

    def _states(self, lines: list[Line]) -> None:
        left, high = self.x0 + 190, min(20, (self.y1 - self.y0 - TOP - 6) / max(1, len(lines)))
        scale = (self.x1 - 10 - left) / (self._span[1] - self._span[0])
        for number, (line, colour) in enumerate(zip(lines, _colours(), strict=False)):
            y = self.y0 + TOP + number * high
            self._write(self.x0 + 8, y + 2, line.legend, 11, left - self.x0 - 12)
            for time in line.points:
                x = left + (time - self._span[0]) * scale
                self._draw.rectangle((x, y + 1, min(x + scale, self.x1 - 10), y + high - 2), _paler(colour))
        if not lines:
            self._write(self.x0 + 8, self.y0 + TOP + 4, "none", 12)

    def _legend(self, legends: list[str]) -> None:
        x, y = self.x0 + 8.0, self.y1 - 30
        for legend, colour in zip(legends, _colours(), strict=False):
            width = ImageFont.load_default(11).getlength(legend) + 22
            if x + width > self.x1 and x > self.x0 + 8:
                x, y = self.x0 + 8.0, y + 14
            if y > self.y1 - 14:
                return
            self._draw.line((x, y + 6, x + 10, y + 6), colour, 3)
            self._write(x + 14, y, legend, 11, self.x1 - x - 18)
            x += width
        if not legends:
            self._draw.text(((self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2), "no data", FAINT, anchor="mm")

    def _write(self, x: float, y: float, text: str, size: int, room: float = math.inf) -> None:
        font = ImageFont.load_default(size)
        while font.getlength(text) > room and text:
            text = text[:-1]
        self._draw.text((x, y), text, INK, font)


def _stacked(lines: list[Line]) -> list[tuple[dict[float, float], dict[float, float]]]:
    """Upper and lower edge of each line, one on the other."""
    times = sorted({time for line in lines for time in line.points})
    below, bands = dict.fromkeys(times, 0.0), []
    for line in lines:
        above = {time: below[time] + line.points.get(time, 0.0) for time in times}
        bands.append((above, below))
        below = above
    return bands


def _colours() -> list[tuple[int, int, int]]:
    return list(COLOURS) * 20


def _paler(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    red, green, blue = (255 - (255 - one) // 2 for one in colour)
    return red, green, blue
