"""Every parameter of a look as a person reads it, from the schema: docs, command line and errors speak by it."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from shared.model.look_schema import PARTS_AT, look_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shared.model.own_effects import EffectOffer

_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[\d+\]")


class Parameter(msgspec.Struct, frozen=True):
    """One effect, or one parameter of an effect."""

    name: str
    sentence: str
    takes: str
    """What its values are, to be read after "must be", e.g. `a number from 0 to 1`."""
    kind: str
    """`number`, `string`, `boolean`, `object`, `array`; `any` where it may be more than one of them."""
    each: str = ""
    """The same for what stands in an array."""
    default: Any = None
    is_required: bool = False
    parts: tuple[Parameter, ...] = ()
    """Of an object, or of each object of an array."""
    title: str = ""
    """What such an object is called, e.g. `Lipstick`."""
    title_sentence: str = ""


def catalogue(offers: Iterable[EffectOffer] = ()) -> tuple[Parameter, ...]:
    """All that a look may say, in the order of its fields; effects of others' own come last."""
    return _catalogue(tuple(offers))


@lru_cache(maxsize=8)  # offers may be what a client wrote
def _catalogue(offers: tuple[EffectOffer, ...]) -> tuple[Parameter, ...]:
    schema = look_schema(offers)
    return _parts(schema, schema["$defs"])


def parameters_at(path: str, offers: Iterable[EffectOffer] = ()) -> tuple[Parameter, ...]:
    """The parameters along a path such as `$.stickers[1].size`: stickers, size. Empty for `$` and for what is none."""
    found: list[Parameter] = []
    among = catalogue(offers)
    for name in filter(None, _STEP.findall(path)):
        one = next((one for one in among if one.name == name), None)
        if one is None:
            return ()
        found.append(one)
        among = one.parts
    return tuple(found)


def _parts(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> tuple[Parameter, ...]:
    required = node.get("required", ())
    return tuple(
        _parameter(name, one, definitions, is_required=name in required)
        for name, one in node.get("properties", {}).items()
    )


def _parameter(name: str, node: Mapping[str, Any], definitions: Mapping[str, Any], *, is_required: bool) -> Parameter:
    choices = [_resolved(one, definitions) for one in node.get("anyOf", [node])]
    choices = [one for one in choices if one.get("type") != "null"]
    items = [_resolved(one["items"], definitions) for one in choices if "items" in one]
    return Parameter(
        name=name,
        sentence=node.get("description", ""),
        takes=", or ".join(_takes(one) for one in choices),
        each=", or ".join(_takes(one) for one in items),
        kind=choices[0].get("type", "string") if len(choices) == 1 else "any",
        default=node.get("default"),
        is_required=is_required,
        title="".join(one.get("title", "") for one in (*choices, *items)),
        title_sentence="".join(one["description"] for one in (*choices, *items) if "title" in one),
        parts=tuple(part for one in (*choices, *items) for part in _parts(one, definitions)),
    )


def _resolved(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    return definitions[node["$ref"].removeprefix(PARTS_AT)] if "$ref" in node else node


_DIGITS = {7: " and six hexadecimal digits", 32: "an asset's id of 32 hexadecimal digits"}
"""What a text is made of, by the length of its example."""


def _takes(node: Mapping[str, Any]) -> str:
    if "enum" in node:
        return f"one of: {', '.join(node['enum'])}"
    match node["type"]:
        case "integer" | "number":
            return _numbers(node)
        case "boolean":
            return "true or false"
        case "array":
            return f"a list of at most {node['maxItems']}" if "maxItems" in node else "a list of numbers"
        case "object":
            return f"an object such as {json.dumps(_example(node))}"
    example = str(node["examples"][0])
    return f"{'#' if example.startswith('#') else ''}{_DIGITS[len(example)]} such as {example}"


def _numbers(node: Mapping[str, Any]) -> str:
    if node["type"] == "integer":
        return f"a whole number from {node['minimum']:g}"
    low = f"above {node['exclusiveMinimum']:g}" if "exclusiveMinimum" in node else f"from {node['minimum']:g}"
    return f"a number {low} to {node['maximum']:g}"


def _example(node: Mapping[str, Any]) -> dict[str, Any]:
    """What must be there, or else the first parameter as it is by default."""
    properties = node["properties"]
    required = {name: properties[name]["examples"][0] for name in node.get("required", ())}
    return required or {name: one["default"] for name, one in list(properties.items())[:1]}
