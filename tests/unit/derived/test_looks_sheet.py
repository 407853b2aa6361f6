"""The sheet shows every effect."""

from __future__ import annotations

from shared.model.looks import EFFECTS
from tests.derived.looks_sheet import SHEET, STRENGTHS, TWO_WAY, entries

SHOWN = list(entries())


def test_every_effect_is_on_the_sheet_from_nothing_to_full_strength() -> None:
    drawn = {name for entry in SHOWN for look in entry.looks for name in look.drawn}
    assert drawn == set(EFFECTS) - {"own"}
    assert all(len(entry.looks) == len(STRENGTHS) and entry.looks[0].invisible for entry in SHOWN)


def test_both_directions_are_shown_where_there_are_two() -> None:
    titles = [entry.title for entry in SHOWN]
    assert all(name in titles and f"{name} below 0" in titles for name in TWO_WAY)


def test_the_sheet_is_there() -> None:
    assert SHEET.read_bytes().startswith(b"\x89PNG")
