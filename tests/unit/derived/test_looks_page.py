"""docs/looks.md is in step with the definition of looks."""

from __future__ import annotations

import json
import re

import pytest

from shared.model.catalogue import catalogue
from shared.model.look_text import MAX_LOOK_BYTES, parse_look
from shared.model.presets import PRESETS
from tests.derived.looks_page import PAGE, written

TEXT = PAGE.read_text()


def test_the_page_is_that_of_the_definition() -> None:
    assert written(TEXT) == TEXT, "run `python -m tests.derived.looks_page`"


def test_every_effect_and_every_parameter_stands_there_with_its_sentence() -> None:
    for one in catalogue():
        for part in (one, *one.parts):
            assert re.search(rf"\| `{part.name}` \| .*{re.escape(part.sentence)}", TEXT), part.name


def test_every_look_on_the_page_is_one() -> None:
    looks = [parse_look(block) for block in re.findall(r"```json\n(\{.*?\})\n```", TEXT, re.DOTALL)]
    assert [look for look in looks if look in PRESETS.values()] == list(PRESETS.values())
    for text in re.findall(r"'look=(\{.*?\})'", TEXT):
        assert parse_look(text)


def test_the_limit_on_the_page_is_the_limit() -> None:
    assert f"over {MAX_LOOK_BYTES} bytes" in TEXT


@pytest.mark.parametrize("mark", ["effects", "parameters", "order", "presets"])
def test_a_page_without_its_marks_is_refused(mark: str) -> None:
    with pytest.raises(SystemExit, match=f"`{mark}`"):
        written(TEXT.replace(f"<!-- {mark} -->", ""))


def test_the_words_of_errors_on_the_page_are_those_that_are_said() -> None:
    for text in ({"lipstick": {"color": "red"}}, {"stickers": [{"asset": "0" * 32}, {"asset": "0" * 32, "size": 9}]},
                 {"slimface": 1}):  # fmt: skip
        with pytest.raises(Exception, match="not valid") as raised:
            parse_look(json.dumps(text))
        assert str(raised.value) in TEXT
