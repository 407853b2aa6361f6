"""The contract of looks and their definition are the same; it is compared without the script that wrote it."""

from __future__ import annotations

import typing
from typing import Any

import msgspec
import pytest

from shared.model.looks import Look
from visavis.v1 import looks_pb2

DESCRIPTOR = looks_pb2.DESCRIPTOR
SCALARS = {float: "TYPE_DOUBLE", str: "TYPE_STRING", bool: "TYPE_BOOL"}
KINDS = {
    getattr(looks_pb2.Look.DESCRIPTOR.fields[0], name): name for name in (*SCALARS.values(), "TYPE_MESSAGE")
}  # by number
DYNAMIC = {"own": "google.protobuf.Struct", "faces": "google.protobuf.Value"}


def pairs(kind: type[msgspec.Struct]) -> list[tuple[Any, Any]]:
    """Fields of a struct and of everything in it, each with the one of the contract."""
    fields = {field.name: field for field in DESCRIPTOR.message_types_by_name[kind.__name__].fields}
    hints = typing.get_type_hints(kind)
    found = [((kind, one, hints[one.name]), fields[one.name]) for one in msgspec.structs.fields(kind)]
    for part in filter(None, (struct_in(hint) for hint in hints.values())):
        found += pairs(part)
    return found


def struct_in(hint: Any) -> type[msgspec.Struct] | None:
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return hint
    return next((found for one in typing.get_args(hint) if (found := struct_in(one))), None)


PAIRS = pairs(Look)


def test_every_message_has_the_fields_of_its_struct_in_their_order() -> None:
    for kind in {kind for (kind, _, _), _ in PAIRS}:
        assert [one.name for one in DESCRIPTOR.message_types_by_name[kind.__name__].fields] == list(
            kind.__struct_fields__
        )
    assert set(DESCRIPTOR.message_types_by_name) == {kind.__name__ for (kind, _, _), _ in PAIRS}


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=[theirs.full_name for _, theirs in PAIRS])
def test_a_field_has_the_type_of_the_definition(ours: Any, theirs: Any) -> None:
    _, field, hint = ours
    if field.name in DYNAMIC:
        assert theirs.message_type.full_name == DYNAMIC[field.name]
    elif part := struct_in(hint):
        assert theirs.message_type.name == part.__name__
        assert theirs.is_repeated == (typing.get_origin(hint) is tuple)
    else:
        assert KINDS[theirs.type] == SCALARS[plain(hint)]


def plain(hint: Any) -> type:
    if typing.get_origin(hint) is typing.Literal:
        return str
    [one] = [one for one in typing.get_args(hint) or (hint,) if one is not type(None)]
    return one


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=[theirs.full_name for _, theirs in PAIRS])
def test_what_has_another_default_than_zero_can_be_told_from_what_was_not_sent(ours: Any, theirs: Any) -> None:
    _, field, _ = ours
    is_zero = field.default in (0, "", False, msgspec.NODEFAULT) and field.default is not None
    is_repeated_or_message = theirs.message_type is not None
    assert is_repeated_or_message or theirs.has_presence != is_zero


def test_numbers_that_were_given_out_stay() -> None:
    """A client of the first contract goes on to be understood."""
    numbers = {field.name: field.number for field in looks_pb2.Look.DESCRIPTOR.fields}
    first = {"smooth": 1, "whiten": 2, "slim_face": 3, "enlarge_eyes": 4}
    assert first.items() <= numbers.items()
