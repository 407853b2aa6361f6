"""A look that names effects which nobody here knows: all that can be known of it without asking a lane."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from shared.model.look_text import parse_look
from shared.model.looks import Look
from shared.model.own_effects import EffectOffer, OwnValues, is_name

if TYPE_CHECKING:
    import msgspec


class _Unknown(EffectOffer, frozen=True, array_like=True):
    """An effect that takes anything."""

    def checked(self, value: msgspec.Raw | bytes) -> OwnValues:
        """Whatever it is."""
        del value
        return {}


def check_look(text: str | bytes) -> Look:
    """The look as far as it can be known: in `own` are names that somebody may have written an effect of, not checked.

    Raises Rejected (`invalid-look`) for what is wrong whoever has them.
    """
    return parse_look(text, [_Unknown(name, "", ()) for name in _foreign(text)])


def _foreign(text: str | bytes) -> tuple[str, ...]:
    """Names that an effect of somebody's own can have, with what can be an effect's value: a number or an object."""
    try:
        members = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    if not isinstance(members, dict):
        return ()
    known = set(Look.__struct_fields__)
    return tuple(
        name
        for name, value in members.items()
        if name not in known and is_name(name) and isinstance(value, dict | float | int)
    )
