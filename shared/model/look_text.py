"""Reads a look as people write it: the name of a preset, or a JSON object."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shared.model.errors import Rejected
from shared.model.looks import EFFECTS, MOST_OWN, Look
from shared.model.presets import PRESETS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.model.own_effects import EffectOffer

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


def parse_look(text: str | bytes, offers: Iterable[EffectOffer] = ()) -> Look:
    """A look from a preset's name or a JSON object. offers: effects of others' own that there are.

    Raises Rejected (`invalid-look`) with the path of the wrong field, or with the names there are.
    """
    raw = text.encode() if isinstance(text, str) else text
    if not raw.lstrip().startswith(b"{"):
        name = raw.decode(errors="replace").strip()
        if name in PRESETS:
            return PRESETS[name]
        raise Rejected("invalid-look", f"There is no look {name[:40]!r}; there are: {', '.join(PRESETS)}.")
    by_name = {offer.name: offer for offer in offers}
    try:
        members = _members.decode(raw)
        own = {name: members.pop(name) for name in list(members) if name in by_name}
        if "own" in members:
            raise msgspec.ValidationError("effects of your own stand beside the others, by their names - at `$.own`")
        if len(own) > MOST_OWN:
            raise msgspec.ValidationError(f"more than {MOST_OWN} effects of your own")
        look = msgspec.json.decode(msgspec.json.encode(members), type=Look)
        values = {name: by_name[name].checked(value) for name, value in own.items()}
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        known = ", ".join(name for name in (*EFFECTS, *by_name, "faces") if name != "own")
        raise Rejected("invalid-look", f"The look is not valid: {error}. There are: {known}.") from error
    return msgspec.structs.replace(look, own=values)
