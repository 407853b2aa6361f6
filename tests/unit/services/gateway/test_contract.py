"""The OpenAPI document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.gateway import app
from services.gateway.problems import CODES, MEDIA_TYPE

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
