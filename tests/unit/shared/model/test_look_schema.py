"""What the schema says is what the checker does."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from shared.model.look_schema import DIALECT, PARTS_AT, look_schema
from shared.model.look_text import look_of_members
from shared.model.looks import Look
from shared.model.own_effects import EffectOffer, ParameterOffer

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = look_schema()
GLOW = EffectOffer("glow", "Glows.", (ParameterOffer("amount", "How much.", "number", 0.5),))


def nodes(node: Any, path: str = "$") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema of a property, with where it is said."""
    for name, one in node.get("properties", {}).items():
        yield f"{path}.{name}", one
    for name, part in node.get("$defs", {}).items():
        yield from nodes(part, name)


NODES = dict(nodes(SCHEMA))


def test_it_names_every_field_of_a_look_and_effects_of_ones_own_by_their_names() -> None:
    assert SCHEMA["$schema"] == DIALECT
    assert tuple(SCHEMA["properties"]) == tuple(name for name in Look.__struct_fields__ if name != "own")
    assert "glow" in look_schema([GLOW])["properties"]
    json.dumps(SCHEMA)


@pytest.mark.parametrize("path", NODES)
def test_every_parameter_has_its_sentence_and_a_default_or_must_be_there(path: str) -> None:
    node = NODES[path]
    part, name = path.rsplit(".", 1)
    required = SCHEMA["$defs"][part]["required"] if part != "$" else ()
    assert node["description"].endswith(".")
    assert "default" in node or name in required


@pytest.mark.parametrize("path", [path for path, node in NODES.items() if node.get("type") == "number"])
def test_every_number_has_a_range_that_holds_its_default(path: str) -> None:
    node = NODES[path]
    assert node.get("minimum", node.get("exclusiveMinimum")) <= node["default"] <= node["maximum"]


def test_nothing_is_let_pass_that_has_another_name() -> None:
    assert all(one["additionalProperties"] is False for one in (SCHEMA, *SCHEMA["$defs"].values()))


@pytest.mark.parametrize("parts_at", [PARTS_AT, "#/components/schemas/"])
def test_every_reference_leads_to_a_part_and_every_part_is_referred_to(parts_at: str) -> None:
    schema = look_schema(parts_at=parts_at)
    referred = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(schema)))
    assert referred == {parts_at + name for name in schema["$defs"]}


def test_sentences_are_clean_of_the_margins_of_the_source() -> None:
    assert "  " not in json.dumps(SCHEMA)


@pytest.mark.parametrize("name", [name for name, node in SCHEMA["properties"].items() if node.get("type") == "number"])
def test_the_checker_takes_the_ends_of_every_range_and_nothing_beyond(name: str) -> None:
    node = SCHEMA["properties"][name]
    for end, beyond in ((node["minimum"], -0.01), (node["maximum"], 0.01)):
        assert getattr(look_of_members({name: end}), name) == end
        with pytest.raises(Exception, match=rf"\$\.{name}"):
            look_of_members({name: end + beyond})
