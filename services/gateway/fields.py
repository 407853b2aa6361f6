"""The fields that go with an upload: what the OpenAPI document says of each, and the "no" to every other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.gateway.problems import Refusal
from shared.model.look_text import MAX_LOOK_BYTES
from shared.model.variables import variable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

MODEL_NAME = "[a-z0-9][a-z0-9-]{0,63}"
"""What a model may be called."""
FIELDS: dict[str, dict[str, Any]] = {
    "look": {
        "type": "string",
        "default": "default",
        "maxLength": MAX_LOOK_BYTES,
        "description": "A preset's name or a JSON object of effects, see `/v1/looks`.",
        "examples": ["natural", '{"smooth": 0.5, "lipstick": {"color": "#b03a48", "amount": 0.4}}'],
    },
    "want": {
        "type": "string",
        "enum": ["picture", "faces"],
        "default": "picture",
        "description": "The retouched video, or its faces as JSON lines.",
        "examples": ["picture"],
    },
    "detector": {
        "type": "string",
        "pattern": f"^{MODEL_NAME}$",
        "description": "The model that finds faces, see `/v1/models`; without it the deployment's default.",
        "examples": ["blazeface"],
    },
    "landmarks": {
        "type": "string",
        "pattern": f"^{MODEL_NAME}$",
        "description": "The model that places landmarks, see `/v1/models`; without it the deployment's default. "
        "`keypoints`: the five points of a detector that has them, and no further model.",
        "examples": ["face-mesh"],
    },
    "callback": {
        "type": "string",
        "format": "uri",
        "maxLength": 4096,
        "description": "An address, https:// or http://, that the job's document is posted to, signed, when the job "
        f"has ended. Refused where the deployment has no secret (`{variable('callback_secret')}`).",
        "examples": ["https://example.org/hooks/visavis"],
    },
}
"""Every field there is, as JSON Schema."""
OF_IMAGES = ("look", "detector", "landmarks")
OF_ANALYSES = ("detector", "landmarks")
OF_ASSETS: tuple[str, ...] = ()
OF_JOBS = ("look", "want", "detector", "landmarks", "callback")


def refuse_unknown(names: Iterable[str], known: Collection[str]) -> None:
    """A misspelt field must not be ignored. Raises Refusal `invalid-parameter` with the name and those there are."""
    for name in names:
        if name not in known:
            there_are = ", ".join(f"`{one}`" for one in known) or "none"
            raise Refusal("invalid-parameter", f"There is no field {name[:40]!r} here; there are: {there_are}.")


def asks(fields: Iterable[str], kinds: Iterable[str], file: str) -> dict[str, Any]:
    """The OpenAPI entry of a body that is a form of `fields` and a file, or the file itself and `fields` in the query.

    kinds: the file's media types. file: a sentence about it.
    """
    binary = {"type": "string", "format": "binary"}
    properties = {name: FIELDS[name] for name in fields}
    in_form = {"file": {**binary, "description": file}, **properties}
    form = {"type": "object", "required": ["file"], "properties": in_form}
    example = {"file": "(the file's bytes)", **{name: one["examples"][0] for name, one in properties.items()}}
    content: dict[str, Any] = {"multipart/form-data": {"schema": form, "examples": {"form": {"value": example}}}}
    content |= {kind: {"schema": binary} for kind in kinds}
    parameters = [
        {"name": name, "in": "query", "required": False, "schema": one, "description": "Instead of the form's field."}
        for name, one in properties.items()
    ]
    return {"parameters": parameters, "requestBody": {"required": True, "content": content}}
