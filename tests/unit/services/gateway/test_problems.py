"""Errors of the REST interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from services.gateway.problems import MEDIA_TYPE, documented, status_of
from shared.model.errors import Late

if TYPE_CHECKING:
    import httpx

    from services.gateway.parts import Parts


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", "/nowhere", 404, "not-found"), ("PUT", "/v1/jobs", 405, "method-not-allowed")],
)
async def test_the_frameworks_errors_are_problems_too(
    client: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    answer = await client.request(method, path)
    problem = answer.json()
    assert (answer.status_code, problem["code"], answer.headers["content-type"]) == (status, code, MEDIA_TYPE)
    assert problem["type"] == f"/problems/{code}"
    assert problem["trace_id"] == answer.headers["x-visavis-trace-id"]


async def test_a_bug_is_an_internal_problem_that_tells_nothing_of_it(parts: Parts, client: httpx.AsyncClient) -> None:
    async def broken(*_: Any) -> None:
        raise Late("secret")

    object.__setattr__(parts, "jobs", type("Broken", (), {"find": broken})())
    answer = await client.get("/v1/jobs/x")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "secret" not in answer.text
    assert len(answer.json()["trace_id"]) == 32


def test_a_code_that_nobody_knows_is_the_inputs_fault() -> None:
    assert status_of("something-new") == 422


def test_documented_problems_have_an_example_each() -> None:
    entry = documented("too-small", "invalid-look")[422]["content"][MEDIA_TYPE]["examples"]
    assert set(entry) == {"too-small", "invalid-look"}
