"""What keeps the frames of a lane off its card: in a word that stays the same, and in a sentence."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Obstacle(StrEnum):
    """The words, which metrics and alerts go by."""

    NOT_WANTED = "not-wanted"  # VISAVIS_CARD is `none`
    NO_CUPY = "no-cupy"  # ingest has no CuPy
    NO_CARD = "no-card"  # the machine has none
    NOT_SHARED = "not-shared"  # two processes have tried to share its memory, and could not
    NO_MEMORY = "no-memory"  # the card has no memory for the pool
    NO_DECODER = "no-decoder"  # the card's decoder does not start
    LANE_INCOMPLETE = "lane-incomplete"  # a service of the lane is not there, or not yet
    NOT_READ = "not-read"  # a detect or render cannot read what lies there


class WhyNot(msgspec.Struct, frozen=True):
    """Why frames lie on the host."""

    obstacle: Obstacle
    sentence: str
    """For people; it may say more than the word, such as an error of CUDA."""
