"""Fills the marked places of docs/scaling.md with the simulated day, and draws docs/scaling.svg of it."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from tests.bench.autoscaling import Rule
from tests.bench.scaling import Work, simulate
from tests.derived.scaling_chart import Line, Panel, chart

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.bench.scaling import Outcome

ROOT = Path(__file__).parents[2]
PAGE, PICTURE = ROOT / "docs" / "scaling.md", ROOT / "docs" / "scaling.svg"
DAY = ROOT / "tests" / "bench" / "day_of_requests.csv"
SCALED = ROOT / "deploy" / "k8s" / "autoscaling" / "keda" / "lanes.yaml"
DAY_SECONDS, SLICE_SECONDS = 86_400, 300
SEED = 1
STARTED_SECONDS = 6.1
"""From starting the three processes of a lane, models in the page cache, until all are ready: docs/scaling.md."""
PLACED_SECONDS = 10.0
"""Assumed, not measured: a node with room and with the images is found, volumes and containers are made."""
FRAMES_A_SECOND = 73.9
"""Of a lane of two cores with two segments at a time, 1280x720: docs/speed.md."""
JOB_SECONDS, RATE, SEGMENT_SECONDS, AT_A_TIME = 30, 30, 10, 2
RESERVED = 2
COLOURS = {"scaled": "#0072b2", "small": "#d55e00", "large": "#999999"}


def work() -> Work:
    """A job is a clip of half a minute."""
    lane_seconds = SEGMENT_SECONDS * RATE / FRAMES_A_SECOND
    start = STARTED_SECONDS + PLACED_SECONDS
    return Work(JOB_SECONDS // SEGMENT_SECONDS, lane_seconds * AT_A_TIME, AT_A_TIME, start)


def requests() -> list[int]:
    """In each five minutes of the recorded day; one of them is missing in the record, and counts as none."""
    return [int(line.partition(",")[2] or 0) for line in DAY.read_text().split()]


def arrivals() -> list[float]:
    """When they came, seconds: within the five minutes by chance, always the same."""
    chance = random.Random(SEED)  # noqa: S311  -- no secret
    slices = enumerate(requests())
    return sorted((at + chance.random()) * SLICE_SECONDS for at, count in slices for _ in range(count))


def outcomes() -> dict[str, Outcome]:
    """Of each kind of fleet."""
    rule, came, jobs = Rule.of(next(yaml.safe_load_all(SCALED.read_text()))), arrivals(), work()
    kinds: dict[str, tuple[int, Rule | None]] = {
        "scaled, none reserved": (0, rule),
        f"scaled, {RESERVED} reserved": (RESERVED, rule),
        "fixed, 6 lanes": (6, None),
        "fixed, 8 lanes": (8, None),
        f"fixed, {rule.most + RESERVED} lanes": (rule.most + RESERVED, None),
    }
    return {name: simulate(came, jobs, fixed, by, DAY_SECONDS) for name, (fixed, by) in kinds.items()}


def table(found: dict[str, Outcome]) -> Iterator[str]:
    """Rows of cost and delay."""
    full = list(found.values())[-1].lane_hours
    yield "| lanes | most at a time | lane hours | to the largest fleet | p50 | p95 | p99 | longest |"
    yield "|---|---|---|---|---|---|---|---|"
    for name, one in found.items():
        delays = " | ".join(f"{one.delay(share):.0f} s" for share in (0.5, 0.95, 0.99, 1))
        yield f"| {name} | {max(one.lanes)} | {one.lane_hours:.0f} | {one.lane_hours / full:.2f} | {delays} |"


def picture(found: dict[str, Outcome]) -> str:
    """Requests, lanes and delay over the day."""
    scaled, small, large = (list(found)[at] for at in (1, 3, 4))
    shown = {scaled: COLOURS["scaled"], small: COLOURS["small"], large: COLOURS["large"]}
    lanes = [Line(name, colour, _most(found[name].lanes)) for name, colour in shown.items()]
    delays = [Line(name, colour, _slowest(found[name])) for name, colour in shown.items()]
    came = [Line("requests", "#444444", requests())]
    return chart(
        (
            Panel("jobs that came in five minutes", came),
            Panel("lanes that are paid for, the most in five minutes", lanes),
            Panel("seconds from a job's arrival to its end: p95 of those that came in a quarter of an hour", delays),
        )
    )


def _most(lanes: Sequence[int]) -> list[int]:
    return [max(lanes[at : at + SLICE_SECONDS]) for at in range(0, DAY_SECONDS, SLICE_SECONDS)]


def _slowest(outcome: Outcome, seconds: int = 900) -> list[float]:
    slices: list[list[float]] = [[0.0] for _ in range(DAY_SECONDS // seconds)]
    for came, took in outcome.delays:
        slices[int(came) // seconds].append(took)
    return [sorted(one)[int(0.95 * len(one))] for one in slices]


def written(page: str, found: dict[str, Outcome]) -> str:
    """The page with its table made anew."""
    made, places = re.subn(
        r"(<!-- day -->\n).*?(<!-- /day -->)",
        lambda marks: "\n".join((f"{marks[1]}", *table(found), f"\n{marks[2]}")),
        page,
        flags=re.DOTALL,
    )
    if places != 1:
        raise SystemExit(f"docs/scaling.md has {places} places marked `day`; it should have one.")
    return made


if __name__ == "__main__":
    day = outcomes()
    PAGE.write_text(written(PAGE.read_text(), day))
    PICTURE.write_text(picture(day))
