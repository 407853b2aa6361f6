"""The OpenAPI document: FastAPI's, with our problems in the place of its own errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi

from services.gateway.problems import MEDIA_TYPE, ProblemDocument

if TYPE_CHECKING:
    from fastapi import FastAPI

_PROBLEM = {"$ref": f"#/components/schemas/{ProblemDocument.__name__}"}
_FASTAPIS_OWN = ("HTTPValidationError", "ValidationError")


def openapi(app: FastAPI) -> dict[str, Any]:
    """The document of an app whose routes have `problems.documented` responses."""
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    for verbs in document["paths"].values():
        for operation in verbs.values():
            operation["responses"] = dict(_mended(operation["responses"]))
    for name in _FASTAPIS_OWN:
        document["components"]["schemas"].pop(name, None)
    return document


def _mended(responses: dict[str, Any]) -> list[tuple[str, Any]]:
    """Problems have their own media type, and there is no error that is not one of ours."""
    mended = []
    for status, response in responses.items():
        content = response.get("content", {})
        if MEDIA_TYPE in content:
            response["content"] = {MEDIA_TYPE: {"schema": _PROBLEM, **content[MEDIA_TYPE]}}
        elif status >= "4":
            continue
        mended.append((status, response))
    return mended
