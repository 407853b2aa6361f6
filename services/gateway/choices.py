"""What a client chooses beside the media: look, want, models, and the kind of picture in the answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from services.gateway.fields import MODEL_NAME
from services.gateway.own_effects import parse_known
from services.gateway.problems import Refusal
from shared.model.jobs import Want
from shared.model.media import STILLS, MediaKind
from shared.model.offers import ModelChoice
from shared.model.presets import PRESETS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.model.looks import Look
    from shared.runtime.presence import Presence

DEFAULT_LOOK = "default"
_MODEL_NAME = re.compile(MODEL_NAME)


def read_look(fields: Mapping[str, str], presence: Presence) -> Look:
    """The field `look`: a preset's name or a JSON object; the preset `default` where there is none.

    Raises Rejected `invalid-look`, and Refusal `unavailable` as parse_known does.
    """
    text = fields.get("look", "")
    return parse_known(text, presence) if text.strip() else PRESETS[DEFAULT_LOOK]


def read_want(fields: Mapping[str, str]) -> Want:
    """The field `want`; a picture where there is none. Raises Refusal `invalid-parameter`."""
    text = fields.get("want", Want.PICTURE)
    try:
        return Want(text)
    except ValueError as error:
        raise Refusal("invalid-parameter", f"`want` must be one of: {', '.join(Want)}.") from error


def read_models(fields: Mapping[str, str]) -> ModelChoice:
    """The fields `detector` and `landmarks`; empty where there is none: the deployment's default.

    Raises Refusal `invalid-parameter` for what can be no model's name; whether there is such a model is not asked here.
    """
    names = {field: fields.get(field, "").strip() for field in ("detector", "landmarks")}
    for field, name in names.items():
        if name and not _MODEL_NAME.fullmatch(name):
            detail = f"`{field}` must be a model's name, at most 64 of a-z, 0-9 and `-`: `/v1/models` lists them."
            raise Refusal("invalid-parameter", detail)
    return ModelChoice(**names)


def reply_kind(accept: str, came_in: MediaKind) -> MediaKind:
    """The kind of picture to answer with by the Accept header (RFC 9110, 12.5.1); as it came in where that will do.

    Raises Refusal `not-acceptable`.
    """
    ranges = [_media_range(part) for part in accept.split(",") if part.strip()] or [("*/*", 1.0)]
    wanted = {kind: _quality(kind, ranges) for kind in STILLS}
    best = max(sorted(STILLS), key=lambda kind: (wanted[kind], kind == came_in))
    if wanted[best] <= 0:
        raise Refusal("not-acceptable", f"A picture can be answered as {', '.join(sorted(STILLS))}.")
    return best


def _media_range(part: str) -> tuple[str, float]:
    name, *parameters = (word.strip().lower() for word in part.split(";"))
    quality = 1.0
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                quality = min(1.0, max(0.0, float(parameter[2:])))
            except ValueError:
                quality = 0.0
    return name, quality


def _quality(kind: MediaKind, ranges: list[tuple[str, float]]) -> float:
    """Of the most specific range that fits."""
    for pattern in (str(kind), "image/*", "*/*"):
        for name, quality in ranges:
            if name == pattern:
                return quality
    return 0.0
