"""What the answer to a call back means, and when the next try is due."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_PAUSE_SECONDS = 4 * 3600.0
"""Between two tries, whatever a receiver asks for."""
GROWTH = 3.0
"""Each pause is so many times as long as the one before: 14 tries that begin with 5 seconds take about a day."""
SPREAD = 0.2
"""A pause is longer by up to this share of it, by chance: what failed together does not come again together."""
_GONE = 410
_ASKS_TO_WAIT = frozenset({429, 503})


class Taken(msgspec.Struct, frozen=True):
    """The receiver has it."""


class Unwanted(msgspec.Struct, frozen=True):
    """The receiver is no more, and says so."""


class NotYet(msgspec.Struct, frozen=True):
    """Another try may help."""

    detail: str
    wait_seconds: float | None = None
    """So long at least, says the receiver."""


Verdict = Taken | Unwanted | NotYet


def verdict_of(status: int, headers: Mapping[str, str], now_unix_seconds: float) -> Verdict:
    """What an HTTP answer means. headers: by name in small letters."""
    if 200 <= status < 300:
        return Taken()
    if status == _GONE:
        return Unwanted()
    detail = f"It answered with HTTP {status}" + (": no redirect is followed." if 300 <= status < 400 else ".")
    asked = headers.get("retry-after", "") if status in _ASKS_TO_WAIT else ""
    return NotYet(detail, _wait_seconds(asked.strip(), now_unix_seconds))


def pause_seconds(tries: int, first_seconds: float, chance: float, asked_seconds: float | None = None) -> float:
    """How long to wait after so many tries, from 1. chance: 0..1. asked_seconds: what the receiver asks for."""
    grown = min(LONGEST_PAUSE_SECONDS, first_seconds * GROWTH ** (tries - 1))
    base = grown if asked_seconds is None else min(LONGEST_PAUSE_SECONDS, max(first_seconds, asked_seconds))
    return base * (1 + SPREAD * chance)


def _wait_seconds(text: str, now_unix_seconds: float) -> float | None:
    """Retry-After (RFC 9110, 10.2.3): seconds or a date; None where it is neither."""
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        when = parsedate_to_datetime(text[:64])
    except (ValueError, OverflowError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.fromtimestamp(now_unix_seconds, UTC)).total_seconds())
