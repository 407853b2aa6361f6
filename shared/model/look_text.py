"""Reads a look as people write it: the name of a preset, or a JSON object."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import msgspec

from shared.model.errors import Rejected
from shared.model.look_faults import fault, suggestion, under
from shared.model.looks import MOST_OWN, Look
from shared.model.presets import PRESETS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shared.model.own_effects import EffectOffer

MAX_LOOK_BYTES: Final = 8192
"""Of a look as JSON, or as a message of the RPC contract."""
_MOST_DIGITS: Final = 20


def parse_look(text: str | bytes, offers: Iterable[EffectOffer] = ()) -> Look:
    """A look from a preset's name or a JSON object. offers: effects of others' own that there are.

    Raises Rejected (`invalid-look`) with the path of the wrong field, or with the names there are.
    """
    raw = text.encode(errors="replace") if isinstance(text, str) else text
    refuse_large(len(raw))
    raw = raw.strip()
    if not raw.startswith(b"{"):
        return _preset(raw.decode(errors="replace"))
    try:
        pairs = json.loads(raw.decode(), object_pairs_hook=_Pairs, parse_int=_whole, parse_constant=str)
        members = _plain(pairs, "$")
    except RecursionError as error:
        raise _invalid("it is nested too deeply.") from error
    except ValueError as error:
        raise _invalid(f"it is no JSON: {error}.") from error
    return look_of_members(members, offers)


def look_of_members(members: Mapping[str, Any], offers: Iterable[EffectOffer] = ()) -> Look:
    """A look from the members of its JSON object, effects of others' own beside the others.

    Raises Rejected (`invalid-look`) with the path of the wrong field.
    """
    by_name = {offer.name: offer for offer in offers}
    own = {name: value for name, value in members.items() if name in by_name}
    rest = {name: value for name, value in members.items() if name not in own}
    if "own" in rest:
        raise _invalid("there is no `$.own`. Effects of your own stand beside the others, by their names.")
    if len(own) > MOST_OWN:
        raise _invalid(f"it has more than {MOST_OWN} effects of your own.")
    try:
        look = msgspec.convert(rest | {"faces": _tracks(rest.get("faces", "all"))}, Look)
        values = {name: by_name[name].checked(msgspec.json.encode(value)) for name, value in own.items()}
    except msgspec.ValidationError as error:
        raise _invalid(fault(error, by_name.values())) from error
    return msgspec.structs.replace(look, own=values)


def _tracks(value: Any) -> Any:
    """1.0 is an integer too in JSON Schema, and protobuf knows no other number in a list."""
    if not isinstance(value, list):
        return value
    return [int(one) if isinstance(one, float) and one.is_integer() else one for one in value]


def refuse_large(size: int) -> None:
    """Raise Rejected (`invalid-look`) for a look of too many bytes."""
    if size > MAX_LOOK_BYTES:
        raise _invalid(f"it has {size} bytes and may have {MAX_LOOK_BYTES} (MAX_LOOK_BYTES).")


def _whole(digits: str) -> float | int:
    """Python refuses to read whole numbers of thousands of digits, in words that are of no use to the caller."""
    return int(digits) if len(digits) < _MOST_DIGITS else float(digits)


class _Pairs(list[tuple[str, Any]]):
    """Members of a JSON object as they stand there, twice where they stand twice."""


def _plain(value: Any, path: str) -> Any:
    """Objects as dicts. Raises Rejected with the path of what stands there twice, ValueError for half a character."""
    if isinstance(value, _Pairs):
        members: dict[str, Any] = {}
        for name, one in value:
            name.encode()
            if name in members:
                raise _invalid(f"`{under(path, name)}` stands there twice.")
            members[name] = _plain(one, under(path, name))
        return members
    if isinstance(value, list):
        return [_plain(one, f"{path}[{index}]") for index, one in enumerate(value)]
    if isinstance(value, str):
        value.encode()
    return value


def _preset(text: str) -> Look:
    if text in PRESETS:
        return PRESETS[text]
    if not text:
        raise _invalid("it is empty; name one of: " + ", ".join(PRESETS) + ".")
    raise Rejected(
        "invalid-look",
        f"There is no look {text[:40]!r}; there are: {', '.join(PRESETS)}. {_meant(text)}"
        'A look of your own is a JSON object such as {"smooth": 0.5}.',
    )


def _meant(text: str) -> str:
    said = suggestion(text, PRESETS)
    return f"{said} " if said.startswith("Did") else ""


def _invalid(sentence: str) -> Rejected:
    return Rejected("invalid-look", f"The look is not valid: {sentence}")
