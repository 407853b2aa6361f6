"""What can be known of a look without knowing who has its effects."""

from __future__ import annotations

import pytest

from shared.model.errors import Rejected
from shared.model.foreign_effects import check_look
from shared.model.look_text import parse_look
from shared.model.presets import PRESETS


def test_a_look_of_visavis_own_effects_leaves_nothing_open() -> None:
    assert check_look("natural") == PRESETS["natural"]
    look = '{"smooth": 0.5, "lipstick": {"amount": 0.3}, "faces": "largest"}'
    assert check_look(look) == parse_look(look)


def test_names_that_somebody_may_have_are_answered() -> None:
    look = check_look('{"smooth": 0.5, "freckles": {"a": "b"}, "glow": 0.3}')
    assert (look.smooth, tuple(look.own)) == (0.5, ("freckles", "glow"))


@pytest.mark.parametrize(
    "look",
    ["handsome", '{"smooth": 7, "freckles": 1}', '{"freckles": 1', '{"freckles": "much"}', '{"Freckles": 1}', "[1]",
     '{"own": {"freckles": {}}}', '{"freckles": null}', "", '{"glow\\n": 1}', "[" * 100_000],
)  # fmt: skip
def test_what_is_wrong_whoever_has_them_is_refused(look: str) -> None:
    with pytest.raises(Rejected) as raised:
        check_look(look)
    assert raised.value.code == "invalid-look"
