"""The page of the card's figures."""

from __future__ import annotations

from tests.gpu.__main__ import BEGIN, END, renewed

DOCUMENT = {
    "when": "2026-01-02 03:04",
    "machine": "a card",
    "figures": {"decode": {"frames a second": 1234.56, "how": "x"}},
}


def test_the_table_takes_the_place_of_the_older_one() -> None:
    page = f"# The card\n\n{BEGIN}\nold\n{END}\n\nMore.\n"
    table = "| part | figure | value |\n|---|---|---|\n| decode | frames a second | 1235 |\n| decode | how | x |"
    expected = f"# The card\n\n{BEGIN}\n2026-01-02 03:04, a card\n\n{table}\n{END}\n\nMore.\n"
    assert renewed(page, DOCUMENT) == expected
    assert renewed(expected, DOCUMENT) == expected
