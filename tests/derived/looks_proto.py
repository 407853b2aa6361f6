"""Writes visavis/v1/looks.proto from the definition of looks: `make proto`.

Field numbers are kept from the file as it stands: a new field gets the next one, and what is gone stays reserved.
"""

from __future__ import annotations

import re
import textwrap
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from shared.model.catalogue import Parameter, catalogue
from shared.model.look_schema import look_schema
from shared.model.looks import Look

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PROTO = Path(__file__).parents[2] / "visavis" / "v1" / "looks.proto"
HEAD = """\
// Written by `make proto` from the definition of looks (shared/model/looks.py), which is the place to change it.
//
// A look's JSON over REST is the JSON form of this message with the names as they stand here, but for effects of your
// own: there they stand beside the others, here in `own`. A message that is absent draws nothing; one without fields
// draws by its defaults.
syntax = "proto3";

package visavis.v1;

import "google/protobuf/struct.proto";
"""
_COLUMNS = 117
_SCALARS = {"number": "double", "string": "string", "boolean": "bool"}
_ZEROS = (0.0, "", False)
_OWN = Parameter(name="own", sentence="Effects of your own, by their names.", takes="any", kind="own")
_MESSAGE = re.compile(r"^message (\w+) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"(\w+) = (\d+);|reserved (\d+); // (\w+)")


def written(before: str) -> str:
    """The file for the definition as it is now. before: the file as it stands, for its numbers."""
    numbers = numbers_in(before)
    beside = {one.name: one for one in catalogue()}
    fields = [beside.get(name, _OWN) for name in Look.__struct_fields__]
    messages = [_message("Look", look_schema()["description"], fields, numbers["Look"])]
    parts = {one.title: one for one in fields if one.title}
    messages += [_message(title, one.title_sentence, one.parts, numbers[title]) for title, one in parts.items()]
    return "\n".join([HEAD, *messages])


def numbers_in(proto: str) -> Mapping[str, dict[str, int]]:
    """Field numbers by message and name, those of fields that are gone too."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for message, body in _MESSAGE.findall(proto):
        for name, number, gone_number, gone in _FIELD.findall(body):
            found[message][name or gone] = int(number or gone_number)
    return found


def _message(title: str, sentence: str, fields: Sequence[Parameter], known: dict[str, int]) -> str:
    numbers = dict(known)
    lines = [*_comment(sentence, ""), f"message {title} {{"]
    for field in fields:
        numbers.setdefault(field.name, max(numbers.values(), default=0) + 1)
        lines += [*_comment(_told(field), "  "), f"  {_type(field)} {field.name} = {numbers[field.name]};"]
    gone = numbers.keys() - {field.name for field in fields}
    lines += [f"  reserved {numbers[name]}; // {name}" for name in sorted(gone, key=numbers.__getitem__)]
    return "\n".join([*lines, "}\n"])


def _type(field: Parameter) -> str:
    if field.kind == "own":
        return "google.protobuf.Struct"
    if field.kind == "any":
        return "google.protobuf.Value"
    if field.kind == "array":
        return f"repeated {field.title}"
    if field.kind == "object":
        return field.title
    is_plain = field.default in _ZEROS or field.is_required
    return _SCALARS[field.kind] if is_plain else f"optional {_SCALARS[field.kind]}"


def _told(field: Parameter) -> str:
    """Its sentence, what it takes, and what stands for it where it is left out."""
    if field.kind in {"own", "object"}:
        return field.sentence
    default = field.default if isinstance(field.default, str) else f"{field.default:g}" if field.default else ""
    without = f" Without it {default}." if default else ""
    return f"{field.sentence} {field.takes[0].upper()}{field.takes[1:]}.{without}"


def _comment(text: str, margin: str) -> list[str]:
    paragraphs = [textwrap.wrap(one, _COLUMNS - len(margin), break_on_hyphens=False) for one in text.split("\n\n")]
    lines = [line for paragraph in paragraphs for line in ["", *paragraph]][1:]
    return [f"{margin}// {line}".rstrip() for line in lines]


if __name__ == "__main__":
    PROTO.write_text(written(PROTO.read_text()))
