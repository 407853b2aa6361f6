"""Names of jobs and sessions."""

from __future__ import annotations

import pytest

from services.gateway.names import is_name, name_of, new_name


def test_a_new_name_is_one_and_no_other() -> None:
    names = {new_name() for _ in range(100)}
    assert len(names) == 100
    assert all(map(is_name, names))


@pytest.mark.parametrize(
    "text", ["", "a" * 19, "a" * 21, "A" * 20, "../" * 7, "a" * 19 + "\n", "a" * 20 + "\n", "ä" * 20]
)
def test_nothing_else_becomes_part_of_a_key(text: str) -> None:
    assert not is_name(text)


def test_a_name_of_words_is_theirs_alone() -> None:
    assert name_of("job", "word") == name_of("job", "word")
    assert is_name(name_of("job", "word"))
    assert len({name_of("job", "word"), name_of("job", "ward"), name_of("jobword"), name_of("jo", "bword")}) == 4
