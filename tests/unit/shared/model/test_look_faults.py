from __future__ import annotations

import msgspec
import pytest

from shared.model.look_faults import fault, suggestion, under


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("Expected `float` <= 1.0 - at `$.smooth`", "`$.smooth` must be a number from 0 to 1."),
        ("Invalid enum value 'x' - at `$.lipstick.finish`", "`$.lipstick.finish` must be one of: gloss, matte."),
        (
            "Object missing required field `asset` - at `$.grade`",
            "`$.grade.asset` is missing; it must be an asset's id of 32 hexadecimal digits such as",
        ),
        ("Object contains unknown field `slimface`", "there is no `$.slimface`. Did you mean slim_face?"),
        ("Object contains unknown field `colour` - at `$.blush`", "there is no `$.blush.colour`. Did you mean color?"),
        ("it cannot be so - at `$.blush`", "`$.blush`: it cannot be so."),
        ("Something else", "`$`: Something else."),
        ("Expected `float` - at `$.sparkle`", "`$.sparkle`: Expected `float`."),
    ],
)
def test_what_msgspec_says_becomes_a_sentence_with_its_path(words: str, sentence: str) -> None:
    assert fault(msgspec.ValidationError(words)).startswith(sentence)


def test_a_path_repeats_of_a_name_what_is_safe_to_repeat() -> None:
    assert under("$.lipstick", "amount") == "$.lipstick.amount"
    assert under("$", "a\n`b") == "$['a\\n`b']"
    assert len(under("$", "x" * 1000)) < 50


def test_a_near_name_is_suggested_and_else_all_are_named() -> None:
    assert suggestion("smoth", ["smooth", "smile"]) == "Did you mean smooth?"
    assert suggestion("quartz", ["smooth", "smile"]) == "There are: smooth, smile."
    assert suggestion("nose", ["lenses", "nose_length"]) == "There are: lenses, nose_length."
