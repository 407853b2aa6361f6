"""The OpenAPI document."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from services.gateway.problems import CODES, MEDIA_TYPE
from services.gateway.rest import app
from shared.model.look_schema import look_schema

if TYPE_CHECKING:
    import httpx

    from services.gateway.parts import Parts


async def test_every_operation_is_documented(parts: Parts) -> None:
    document = app.build(parts).openapi()
    operations = [(path, verb, one) for path, verbs in document["paths"].items() for verb, one in verbs.items()]
    assert len(operations) >= 12
    for path, verb, one in operations:
        name = f"{verb} {path}"
        assert one.get("summary"), name
        assert one.get("description"), name
        errors = {status: answer for status, answer in one["responses"].items() if status >= "4"}
        assert errors, name
        for answer in errors.values():
            for code, example in answer["content"][MEDIA_TYPE]["examples"].items():
                assert CODES[code][0] == example["value"]["status"], name
        for entry in (one["responses"][status] for status in one["responses"] if status < "3"):
            assert all(_has_example(content, document) for content in entry.get("content", {}).values()), name
        contents = one.get("requestBody", {}).get("content", {}).values()
        assert not contents or any("examples" in content for content in contents), name


def _has_example(content: dict[str, Any], document: dict[str, Any]) -> bool:
    name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    return bool({"example", "examples"} & set(content)) or "examples" in document["components"]["schemas"].get(name, {})


async def test_validation_errors_are_ours_alone(parts: Parts) -> None:
    assert "HTTPValidationError" not in str(app.build(parts).openapi())


async def test_the_document_is_given(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    assert document["paths"]["/v1/images"]["post"]["responses"]["415"]["content"][MEDIA_TYPE]["schema"]
    assert "ProblemDocument" in document["components"]["schemas"]


async def test_a_look_is_documented_as_it_is_defined(parts: Parts) -> None:
    document = app.build(parts).openapi()
    components = document["components"]["schemas"]
    look = components["LookDocument"]
    assert look["properties"].keys() == look_schema()["properties"].keys()
    assert look["additionalProperties"]["type"] == ["number", "object"], "effects of a deployment's own"
    assert look["properties"]["smile"] == look_schema()["properties"]["smile"]
    assert components["Lipstick"] == look_schema()["$defs"]["Lipstick"]
    assert components["JobDocument"]["properties"]["look"]["$ref"].endswith("/LookDocument")


async def test_every_reference_leads_somewhere(parts: Parts) -> None:
    document = app.build(parts).openapi()
    for reference in set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(document))):
        assert reference.rpartition("/")[2] in document["components"]["schemas"], reference
