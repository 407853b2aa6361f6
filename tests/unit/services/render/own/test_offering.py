"""What an author declares becomes an offer, or a sentence that says what is wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from services.render.own.offering import offer_of
from shared.model.errors import Misconfigured
from shared.model.own_effects import ParameterOffer
from visavis.effects import Choice, Color, Effect, Flag, Number, effect


def with_parameters(**parameters: Any) -> Effect:
    @effect("Makes it glow.", **parameters)
    def glow(face: Any, **values: Any) -> None: ...

    return glow


def test_everything_that_is_declared_is_offered() -> None:
    offer = offer_of(
        with_parameters(
            amount=Number("How much.", default=1, low=-2, high=2),
            color=Color("Of it.", default="#b03a48"),
            kind=Choice("Which.", choices=["soft", "hard"], default="hard"),
            twice=Flag("Whether twice."),
        )
    )
    assert (offer.name, offer.sentence) == ("glow", "Makes it glow.")
    assert offer.parameters == (
        ParameterOffer("amount", "How much.", "number", 1.0, -2.0, 2.0),
        ParameterOffer("color", "Of it.", "color", "#b03a48"),
        ParameterOffer("kind", "Which.", "choice", "hard", choices=("soft", "hard")),
        ParameterOffer("twice", "Whether twice.", "flag", False),
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "Glow"}, "its name 'Glow' must be a small letter"),
        ({"name": "g"}, "its name 'g'"),
        ({"name": "glow\n"}, "its name"),
        ({"name": 7}, "its name 7"),
        ({"name": "smooth"}, "Visavis has an effect of that name itself"),
        ({"name": "faces"}, "Visavis has an effect of that name itself"),
        ({"sentence": " "}, "no sentence"),
        ({"layouts": (468, 69)}, "must be some of 468, 68 and 5"),
        ({"layouts": ()}, "must be some of 468, 68 and 5"),
        ({"layouts": 468}, "its layouts are 468 and must be some of"),
        ({"parameters": ["amount"]}, "its parameters must be a dictionary by name"),
        ({"draw": 3}, "`draw` is 3 and must be a function"),
        ({"draw": lambda: None}, r"cannot be called as draw\(face\): too many positional"),
        ({"draw": divmod}, "missing a required argument: 'y'"),
    ],
)
def test_a_wrong_declaration_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(Misconfigured, match=said):
        offer_of(replace(with_parameters(), **change))


@pytest.mark.parametrize(
    ("parameter", "said"),
    [
        (Number("How.", default=2), "the default of one is 2, outside of its range 0..1"),
        (Number("How.", low=1, high=1, default=1), "`low` must be below `high`"),
        (Number("How.", default=float("nan")), "nan of one is no number"),
        (Number("How.", default=True), "True of one is no number"),
        (Number("", default=1), "its parameter one has no sentence"),
        (Color("Of.", default="red"), "write a colour as '#b03a48'"),
        (Color("Of.", default="#b03a48\n"), "write a colour"),
        (Choice("Of.", choices=("a",), default="a"), "two or more different words"),
        (Choice("Of.", choices=("a", "a"), default="a"), "two or more different words"),
        (Choice("Of.", choices="ab", default="a"), "the choices of one are 'ab': write two or more"),
        (Choice("Of.", choices=("a", 1), default="a"), "two or more different words"),
        (Choice("Of.", choices=("a", "b"), default="c"), "none of its choices a, b"),
        (Flag("Of.", default=0), "write True or False"),
        (0.5, "must be a Number, Color, Choice or Flag"),
    ],
)
def test_a_wrong_parameter_is_refused(parameter: Any, said: str) -> None:
    with pytest.raises(Misconfigured, match=said):
        offer_of(with_parameters(one=parameter))


@pytest.mark.parametrize("name", ["Amount", "x", "class", "a-b"])
def test_a_parameter_that_cannot_be_named_so_is_refused(name: str) -> None:
    with pytest.raises(Misconfigured, match=f"its parameter '{name}'"):
        offer_of(with_parameters(**{name: Flag("Of.")}))
