"""Effects that do not come with Visavis: what render tells of them, so that the gateway can check a look."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec

from shared.model.parameters import Colour, says

OwnValues = dict[str, float | int | bool | str]
NAME = "^[a-z][a-z0-9_]{1,39}$"
"""Of an effect and of a parameter."""
_NAME = re.compile(NAME)


class ParameterOffer(msgspec.Struct, frozen=True, array_like=True):
    """One parameter of an effect."""

    name: Annotated[str, msgspec.Meta(pattern=NAME)]
    sentence: str
    kind: Literal["number", "color", "choice", "flag"]
    default: float | bool | str
    low: float = 0.0
    """Of a number."""
    high: float = 1.0
    """Of a number."""
    choices: tuple[str, ...] = ()
    """Of a choice: two or more."""

    @property
    def type(self) -> Any:
        """What its values are, as msgspec checks and describes it."""
        if self.kind == "number":
            return Annotated[float, msgspec.Meta(description=self.sentence, ge=self.low, le=self.high)]
        if self.kind == "choice":
            return Annotated[Literal[self.choices], says(self.sentence)]
        if self.kind == "color":
            return Annotated[Colour, says(self.sentence)]
        return Annotated[bool, says(self.sentence)]


class EffectOffer(msgspec.Struct, frozen=True, array_like=True):
    """One effect that a render worker has beside those of Visavis."""

    name: Annotated[str, msgspec.Meta(pattern=NAME)]
    sentence: str
    parameters: tuple[ParameterOffer, ...]

    def checked(self, value: msgspec.Raw | bytes) -> OwnValues:
        """All its parameters from JSON: an object, or a number for the parameter `amount`.

        Raises msgspec.ValidationError with the path of the wrong field.
        """
        raw = bytes(value)
        try:
            if not raw.lstrip().startswith(b"{"):
                raw = msgspec.json.encode({"amount": msgspec.json.decode(raw)})
            found: OwnValues = msgspec.to_builtins(msgspec.json.decode(raw, type=_type_of(self)))
        except msgspec.ValidationError as error:
            sentence, at, path = str(error).rpartition("`$")
            where = f"{sentence}{at}.{self.name}{path}" if at else f"{error} - at `$.{self.name}`"
            raise msgspec.ValidationError(where) from error
        return found

    def schema(self) -> dict[str, Any]:
        """JSON Schema of its value in a look: an object of its parameters, or a number if one is called `amount`."""
        schema = msgspec.json.schema(_type_of(self), ref_template="#/$defs/{name}")
        (body,) = schema["$defs"].values()
        body = {**body, "description": self.sentence}
        amount = body["properties"].get("amount", {})
        return {"description": self.sentence, "anyOf": [body, amount]} if amount.get("type") == "number" else body


@lru_cache(maxsize=128)
def _type_of(offer: EffectOffer) -> Any:
    fields = [(one.name, one.type, one.default) for one in offer.parameters]
    return msgspec.defstruct(offer.name, fields, frozen=True, forbid_unknown_fields=True, kw_only=True)


def is_name(text: str) -> bool:
    """True if `text` can be the name of an effect or of a parameter."""
    return _NAME.fullmatch(text) is not None
