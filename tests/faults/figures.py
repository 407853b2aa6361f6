"""What a campaign comes to: sums, percentiles and a table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.faults.rounds import Round

ASKED_SECONDS = 10.0
"""Recovery, p99."""


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent of all do not exceed; of few values the 99th is the largest."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def figures(rounds: Sequence[Round]) -> dict[str, Any]:
    """Sums over rounds, and how long recovery took in those that hit their point."""
    recovery = [one.recovery_seconds for one in rounds if one.hit and not one.jobs_lost]
    load = [one.load for one in rounds if one.hit]
    names = ("lost", "doubled", "foreign", "unreadable", "misplaced", "beyond")
    return {
        "rounds": len(rounds),
        "hit": sum(one.hit for one in rounds),
        "jobs_lost": sum(one.jobs_lost for one in rounds),
        "frames": {name: sum(one.frames[name] for one in rounds) for name in names},
        "left": {kind: sum(one.left.get(kind, 0) for one in rounds) for kind in ("slots", "work_files", "objects")},
        "recovery_seconds": {
            "p50": percentile(recovery, 50), "p99": percentile(recovery, 99), "max": max(recovery),
        } if recovery else None,
        "load": {"p50": percentile(load, 50), "max": max(load)} if load else None,
    }  # fmt: skip


def by(rounds: Sequence[Round], word: int) -> dict[str, list[Round]]:
    """Rounds by the process of their point (word 0) or by its moment (word 1)."""
    found: dict[str, list[Round]] = {}
    for one in rounds:
        found.setdefault(one.point.split("@")[word], []).append(one)
    return found


def table(rounds: Sequence[Round]) -> str:
    """Markdown: a line for each process and one for all."""
    lines = [
        "| killed or stopped | rounds | jobs lost | frames lost | doubled | foreign | left: slots, files, objects "
        "| recovery p50, p99, max |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [_line(name, figures(found)) for name, found in (*by(rounds, 0).items(), ("all", list(rounds)))]
    return "\n".join(lines)


def _line(name: str, found: dict[str, Any]) -> str:
    frames, took = found["frames"], found["recovery_seconds"]
    wrong = frames["foreign"] + frames["unreadable"] + frames["misplaced"] + frames["beyond"]
    seconds = ", ".join(f"{took[key]:.1f}" for key in ("p50", "p99", "max")) + " s" if took else "none"
    left = ", ".join(str(count) for count in found["left"].values())
    return (
        f"| {name} | {found['hit']} of {found['rounds']} | {found['jobs_lost']} | {frames['lost']} "
        f"| {frames['doubled']} | {wrong} | {left} | {seconds} |"
    )
