"""The header Idempotency-Key: a word by which a request that is sent again is known as the same."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from services.gateway.problems import Refusal

if TYPE_CHECKING:
    from starlette.requests import Request

_HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e]{8,255}")
IDEMPOTENCY_KEY: dict[str, Any] = {
    "name": _HEADER,
    "in": "header",
    "required": False,
    "description": "8 to 255 visible ASCII characters that nobody can guess, such as a UUID.",
    "schema": {"type": "string", "pattern": "^[!-~]{8,255}$"},
    "example": "2f1c7a52-7f0e-4b1b-9d3c-5c0a2a7a6b11",
}
"""For the OpenAPI document."""


def idempotency_key(request: Request) -> str:
    """The request's word; empty if it has none. Raises Refusal `invalid-parameter` for one that cannot be taken."""
    word = request.headers.get(_HEADER)
    if word is None:
        return ""
    if not _KEY.fullmatch(word):
        raise Refusal("invalid-parameter", f"{_HEADER} must be 8 to 255 visible ASCII characters, such as a UUID.")
    return word
