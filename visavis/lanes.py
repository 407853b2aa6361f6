"""The lanes of one machine: which card and how many cores each has."""

from __future__ import annotations

import subprocess
import sys

_COUNT = "from shared.cuda.card import count; print(count())"
_COUNT_SECONDS = 60


def settings_of_lanes(lanes: int, cards: int, lane_cores: float, cores: float) -> tuple[dict[str, str], ...]:
    """What the services of each lane are told besides; one lane alone is told nothing.

    lanes: how many; 0: one for each card, and one where there is none. cards: that may be used. lane_cores: that each
    may use; 0: an equal share of `cores`, which the machine has.
    """
    lanes = lanes or max(1, cards)
    if lanes == 1:
        return ({},)
    share = f"{lane_cores or cores / lanes:g}"
    return tuple(
        {"VISAVIS_CARD": str(lane) if lane < cards else "none", "VISAVIS_LANE_CORES": share} for lane in range(lanes)
    )


def count_cards() -> int:
    """How many cards CUDA finds on this machine, asked in another process: this one need not know CUDA."""
    try:
        told = subprocess.run(  # noqa: S603  -- our own words
            [sys.executable, "-c", _COUNT], capture_output=True, text=True, timeout=_COUNT_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return 0
    return int(told.stdout.strip().splitlines()[-1])
