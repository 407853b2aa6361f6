"""The OpenAPI document: FastAPI's, with our problems in the place of its own errors, and looks as they are defined."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi

from services.gateway.documents import LookDocument
from services.gateway.problems import MEDIA_TYPE, ProblemDocument, documented
from services.gateway.scopes import SCHEME, Needs, declarations
from shared.model.look_schema import look_schema

if TYPE_CHECKING:
    from fastapi import FastAPI

_COMPONENTS = "#/components/schemas/"
_PROBLEM = {"$ref": f"{_COMPONENTS}{ProblemDocument.__name__}"}
_KEYS = (
    "A key of `visavis keys add`, where the deployment asks for keys: not where it listens on loopback only. The scope "
    "that it must have stands at each operation."
)
_FASTAPIS_OWN = ("HTTPValidationError", "ValidationError")


def openapi(app: FastAPI) -> dict[str, Any]:
    """The document of an app whose routes have `problems.documented` responses."""
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    for verbs in document["paths"].values():
        for operation in verbs.values():
            operation["responses"] = dict(_mended(operation["responses"]))
    _add_keys(app, document)
    components = document["components"]["schemas"]
    for name in _FASTAPIS_OWN:
        components.pop(name, None)
    components |= _looks()
    return document


def _add_keys(app: FastAPI, document: dict[str, Any]) -> None:
    """What each route has declared of keys, and how it says no."""
    document["components"]["securitySchemes"] = {
        SCHEME: {"type": "http", "scheme": "bearer", "description": _KEYS, "bearerFormat": "vv_PREFIX_SECRET"}
    }
    refused = documented("unauthenticated", "forbidden")
    for route, demands in declarations(app):
        for method in (route.methods or ()) if getattr(route, "include_in_schema", False) else ():
            for demand in (one for one in demands if isinstance(one, Needs)):
                operation = document["paths"][route.path_format][method.lower()]
                operation["security"] = [{SCHEME: [str(demand.scope)] if demand.scope else []}]
                for status in (HTTPStatus.UNAUTHORIZED, *([HTTPStatus.FORBIDDEN] if demand.scope else ())):
                    operation["responses"][f"{status:d}"] = _problem(refused[status])


def _problem(response: dict[str, Any]) -> dict[str, Any]:
    """A response of `documented`, as it stands in the document."""
    content = {"schema": _PROBLEM, **response["content"][MEDIA_TYPE]}
    return {"description": response["description"], "content": {MEDIA_TYPE: content}}


def _looks() -> dict[str, Any]:
    """The schema of looks and of what is in them, as components."""
    schema = look_schema(parts_at=_COMPONENTS)
    parts = schema.pop("$defs")
    del schema["$schema"]  # OpenAPI 3.1 is of this dialect as it is
    schema["additionalProperties"] = {
        "type": ["number", "object"],
        "description": "An effect that the deployment has of its own: `/v1/looks` has their schemas.",
    }
    return {**parts, LookDocument.__name__: schema}


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
