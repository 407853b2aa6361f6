"""Looks: named sets of effects. This is the one definition that REST, gRPC, the command line and the docs share."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec

from shared.model.errors import Rejected
from shared.model.faces import Layout
from shared.model.parts import GIVEN, Part


def _strength(sentence: str) -> Any:
    return msgspec.Meta(description=sentence, ge=0.0, le=1.0)


class Look(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How strongly each effect is drawn on every face. 0 leaves the picture as it is, bit by bit."""

    smooth: Annotated[float, _strength("Evens the skin and keeps its edges, eyes, brows, lips and hair.")] = 0.0
    whiten: Annotated[float, _strength("Lightens the skin and keeps its shading.")] = 0.0
    slim_face: Annotated[float, _strength("Draws cheeks and jaw inwards.")] = 0.0
    enlarge_eyes: Annotated[float, _strength("Enlarges both eyes around their centres.")] = 0.0

    @property
    def invisible(self) -> bool:
        """True if no effect has any strength."""
        return not any(msgspec.structs.astuple(self))

    @property
    def needs_people(self) -> bool:
        """True if an effect must know where people are and where what is behind them."""
        return False


_SKIN: Final = frozenset(
    {
        *(Part.OVAL, Part.BARE_SKIN, Part.LIPS),
        *(Part.RIGHT_EYE, Part.LEFT_EYE, Part.RIGHT_BROW, Part.LEFT_BROW),
    }
)

NEEDS: Final[dict[str, frozenset[Part]]] = {
    "smooth": _SKIN,
    "whiten": _SKIN,
    "slim_face": frozenset({Part.RIGHT_JAW, Part.LEFT_JAW}),
    "enlarge_eyes": frozenset(
        {Part.RIGHT_EYE_CENTRE, Part.LEFT_EYE_CENTRE, Part.RIGHT_EYE_CORNERS, Part.LEFT_EYE_CORNERS}
    ),
}
"""Every effect and the parts of a face that it is drawn by."""

PRESETS: dict[str, Look] = {
    "none": Look(),
    "natural": Look(smooth=0.45, whiten=0.2, slim_face=0.2, enlarge_eyes=0.15),
    "default": Look(smooth=0.65, whiten=0.35, slim_face=0.35, enlarge_eyes=0.3),
    "glamour": Look(smooth=0.85, whiten=0.5, slim_face=0.5, enlarge_eyes=0.5),
}
"""Looks that have a name."""


def parse_look(text: str | bytes) -> Look:
    """A look from a preset's name or a JSON object.

    Raises Rejected (`invalid-look`) with the path of the wrong field, or with the names there are.
    """
    raw = text.encode() if isinstance(text, str) else text
    if not raw.lstrip().startswith(b"{"):
        name = raw.decode(errors="replace").strip()
        if name in PRESETS:
            return PRESETS[name]
        raise Rejected("invalid-look", f"There is no look {name[:40]!r}; there are: {', '.join(PRESETS)}.")
    try:
        return msgspec.json.decode(raw, type=Look)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        known = ", ".join(Look.__struct_fields__)
        raise Rejected("invalid-look", f"The look is not valid: {error}. Effects: {known}.") from error


def unsupported(look: Look, layout: Layout) -> list[str]:
    """The effects that a look asks for and that faces of this layout lack a part for, in the look's order."""
    return [name for name, parts in NEEDS.items() if getattr(look, name) and not parts <= GIVEN[layout]]


def refuse_unsupported(look: Look, layout: Layout) -> None:
    """Raise Rejected (`unsupported-look`) where faces of this layout lack a part that the look is drawn by.

    The sentence names the effects, the parts, and the layouts that have them all.
    """
    refused = unsupported(look, layout)
    if not refused:
        return
    lacking = [part for part in Part if any(part in NEEDS[name] for name in refused) and part not in GIVEN[layout]]
    enough = [str(int(other)) for other in Layout if not unsupported(look, other)]
    raise Rejected(
        "unsupported-look",
        f"{', '.join(refused)} cannot be drawn on faces of {int(layout)} points, which lack {', '.join(lacking)}: "
        f"choose a landmark model of {' or '.join(enough)} points, or leave the effects out.",
    )


def look_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a look: every effect with its range, default and sentence."""
    schema = msgspec.json.schema(Look)
    body: dict[str, Any] = schema["$defs"]["Look"]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **body}
