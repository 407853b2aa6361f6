"""visavis/v1/looks.proto is what the definition of looks makes of it."""

from __future__ import annotations

import re

from shared.model.catalogue import catalogue
from tests.derived.looks_proto import PROTO, numbers_in, written

PAGE = PROTO.read_text()


def test_the_file_is_that_of_the_definition() -> None:
    assert written(PAGE) == PAGE, "run `make proto`"


def test_every_sentence_of_the_definition_stands_there() -> None:
    words = " ".join(re.sub(r"^\s*//", "", PAGE, flags=re.MULTILINE).split())
    for one in catalogue():
        assert all(sentence in words for sentence in (one.sentence, *(part.sentence for part in one.parts))), one.name


def test_a_field_keeps_its_number_and_a_new_one_gets_the_next() -> None:
    before = PAGE.replace("double rosy = 8;", "double rosy = 77;").replace("  double jaw = 24;\n", "")
    numbers = numbers_in(written(before))["Look"]
    assert (numbers["rosy"], numbers["jaw"]) == (77, 78)


def test_the_number_of_what_is_gone_is_never_given_out_again() -> None:
    before = PAGE.replace("double jaw = 24;", "double chin = 24;").replace("  double smile = 31;\n", "")
    once = written(before)
    assert "reserved 24; // chin" in once
    assert numbers_in(once)["Look"]["jaw"] != 24
    assert written(once) == once


def test_no_number_stands_twice() -> None:
    for message, numbers in numbers_in(PAGE).items():
        assert len(set(numbers.values())) == len(numbers), message
