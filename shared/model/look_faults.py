"""What is wrong with a look, as a sentence with the path of the wrong field."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from shared.model.catalogue import catalogue, parameters_at

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from shared.model.own_effects import EffectOffer

_PLACED: Final = re.compile(r"(?P<what>.*?)(?: - at `(?P<path>\$.*)`)?", re.DOTALL)
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_MISSING: Final = re.compile(r"Object missing required field `(.*)`")
_TOLD_BY_RANGE: Final = ("Expected ", "Invalid enum value", "Number out of range")
_LONGEST = 40
"""Characters of a name that are repeated: what was sent may be long, and private."""
_NEAR = 0.7
"""From this ratio of difflib on a name is taken for a misspelt one: `colour` is near to `color`, `nose` to nothing."""


def fault(error: Exception, offers: Iterable[EffectOffer] = ()) -> str:
    """The sentence for a msgspec.ValidationError about a look: `$.lipstick.amount` must be a number from 0 to 1."""
    placed = _PLACED.fullmatch(str(error))
    what, path = (placed["what"], placed["path"] or "$") if placed else (str(error), "$")
    along = parameters_at(path, offers)
    if unknown := _UNKNOWN.fullmatch(what):
        known = along[-1].parts if along else catalogue(offers)
        name = unknown[1]
        return f"there is no `{under(path, name)}`. {suggestion(name, [one.name for one in known])}"
    if missing := _MISSING.fullmatch(what):
        [part] = [one for one in along[-1].parts if one.name == missing[1]]
        return f"`{path}.{part.name}` is missing; it must be {part.takes}."
    if along and what.startswith(_TOLD_BY_RANGE):
        takes = along[-1].each if path.endswith("]") else along[-1].takes
        return f"`{path}` must be {takes}."
    return f"`{path}`: {what}."


def under(path: str, name: str) -> str:
    """The path of a member that somebody named as they liked."""
    return f"{path}.{name}" if re.fullmatch(rf"\w{{1,{_LONGEST}}}", name, re.ASCII) else f"{path}[{name[:_LONGEST]!r}]"


def suggestion(name: str, known: Collection[str]) -> str:
    """The name that was meant, where one is near; else those there are."""
    near = get_close_matches(name[:_LONGEST], known, n=1, cutoff=_NEAR)
    return f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known)}."
