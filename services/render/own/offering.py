"""From an effect as its author declares it to what Visavis tells of it. What is wrong is a sentence for the author."""

from __future__ import annotations

import inspect
import keyword
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from shared.model.errors import Misconfigured
from shared.model.faces import Layout
from shared.model.looks import Look
from shared.model.own_effects import EffectOffer, ParameterOffer, is_name
from shared.model.parameters import is_colour
from visavis.effects import Choice, Color, Flag, Number

if TYPE_CHECKING:
    from visavis.effects import Effect, Parameter

_CALLED: Final = "must be a small letter and then 1 to 39 of a-z, 0-9 and _"


def offer_of(effect: Effect) -> EffectOffer:
    """What is told of an effect. Raises Misconfigured with what is wrong about its declaration."""
    if not isinstance(effect.name, str) or not is_name(effect.name):
        raise Misconfigured(f"its name {effect.name!r} {_CALLED}")
    if effect.name in Look.__struct_fields__:
        raise Misconfigured("Visavis has an effect of that name itself: choose another")
    if not _is_some_of(effect.layouts, tuple(Layout)):
        raise Misconfigured(f"its layouts are {effect.layouts!r} and must be some of 468, 68 and 5")
    _refuse_mute("it", effect.sentence)
    if not isinstance(effect.parameters, Mapping):
        raise Misconfigured("its parameters must be a dictionary by name")
    parameters = tuple(_offered(name, one) for name, one in effect.parameters.items())
    _refuse_uncallable(effect)
    return EffectOffer(effect.name, effect.sentence, parameters)


def _offered(name: str, parameter: Parameter) -> ParameterOffer:
    if not is_name(name) or keyword.iskeyword(name):
        raise Misconfigured(f"the name of its parameter {name!r} {_CALLED}, and no word of Python's own")
    if not isinstance(parameter, Number | Color | Choice | Flag):
        raise Misconfigured(f"its parameter {name} must be a Number, Color, Choice or Flag")
    _refuse_mute(f"its parameter {name}", parameter.sentence)
    match parameter:
        case Number():
            return _number(name, parameter)
        case Color():
            if not isinstance(parameter.default, str) or not is_colour(parameter.default):
                raise Misconfigured(f"the default of {name} is {parameter.default!r}: write a colour as '#b03a48'")
            return ParameterOffer(name, parameter.sentence, "color", parameter.default)
        case Choice():
            return _choice(name, parameter)
        case _:
            if not isinstance(parameter.default, bool):
                raise Misconfigured(f"the default of {name} is {parameter.default!r}: write True or False")
            return ParameterOffer(name, parameter.sentence, "flag", parameter.default)


def _number(name: str, parameter: Number) -> ParameterOffer:
    low, default, high = (_finite(name, one) for one in (parameter.low, parameter.default, parameter.high))
    if low >= high:
        raise Misconfigured(f"the range of {name} is {low:g}..{high:g}: `low` must be below `high`")
    if not low <= default <= high:
        raise Misconfigured(f"the default of {name} is {default:g}, outside of its range {low:g}..{high:g}")
    return ParameterOffer(name, parameter.sentence, "number", default, low, high)


def _finite(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Misconfigured(f"{value!r} of {name} is no number")
    return float(value)


def _choice(name: str, parameter: Choice) -> ParameterOffer:
    choices = tuple(parameter.choices) if isinstance(parameter.choices, tuple | list) else ()
    if len(choices) < 2 or not all(isinstance(one, str) and one for one in choices) or len(set(choices)) < len(choices):
        raise Misconfigured(f"the choices of {name} are {parameter.choices!r}: write two or more different words")
    if parameter.default not in choices:
        raise Misconfigured(f"the default of {name} is {parameter.default!r}, none of its choices {', '.join(choices)}")
    return ParameterOffer(name, parameter.sentence, "choice", parameter.default, choices=choices)


def _is_some_of(values: Any, known: tuple[int, ...]) -> bool:
    return isinstance(values, tuple | list) and bool(values) and all(one in known for one in values)


def _refuse_mute(what: str, sentence: Any) -> None:
    if not isinstance(sentence, str) or not sentence.strip():
        raise Misconfigured(f"{what} has no sentence that says what it does")


def _refuse_uncallable(effect: Effect) -> None:
    if not callable(effect.draw):
        raise Misconfigured(f"its `draw` is {effect.draw!r} and must be a function")
    try:
        signature = inspect.signature(effect.draw)
    except ValueError:  # built-in functions may not tell; the trial will show it
        return
    try:
        signature.bind(object(), **dict.fromkeys(effect.parameters))
    except TypeError as error:
        wanted = ", ".join(("face", *effect.parameters))
        raise Misconfigured(f"its function cannot be called as draw({wanted}): {error}") from error
