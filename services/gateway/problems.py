"""What goes wrong, as application/problem+json (RFC 9457)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from shared.model.errors import Rejected, StorageFull, Unavailable, VisavisError
from shared.runtime.logs import log

if TYPE_CHECKING:
    from collections.abc import Mapping

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 1.0
FULL_RETRY_SECONDS = 30.0
"""A store that is full is not emptied in a second."""

CODES: dict[str, tuple[int, str]] = {
    "empty": (400, "There is nothing in the upload."),
    "malformed-request": (400, "The request cannot be read."),
    "upload-cut-off": (400, "The upload ended before its end."),
    "unauthenticated": (401, "A key is needed."),
    "forbidden": (403, "The key is not for this."),
    "not-found": (404, "There is no such thing."),
    "unknown-asset": (404, "There is no such asset."),
    "method-not-allowed": (405, "This cannot be done with it."),
    "not-acceptable": (406, "The answer cannot be given in a form that is accepted."),
    "upload-stalled": (408, "The upload stopped coming."),
    "idle": (408, "Nothing happened on the stream for too long."),
    "not-done": (409, "The job has no result yet."),
    "job-failed": (409, "The job failed and has no result."),
    "gone": (410, "It was there and is no more."),
    "too-large": (413, "It is larger than allowed."),
    "unsupported-media": (415, "This kind of media is not read here."),
    "range-not-satisfiable": (416, "The range lies outside of the result."),
    "invalid-parameter": (422, "A parameter is not valid."),
    "invalid-look": (422, "The look is not valid."),
    "unknown-model": (422, "There is no such model, or none that goes with the others."),
    "unsupported-look": (422, "The look cannot be drawn by these landmarks, or the answer cannot show it."),
    "source-refused": (422, "The source is none that may be fetched."),
    "callback-refused": (422, "The callback is none that may be called."),
    "damaged-media": (422, "The media cannot be read."),
    "no-video": (422, "There is no picture in the file."),
    "too-long": (422, "It lasts longer than allowed."),
    "too-small": (422, "The picture is too small."),
    "too-demanding": (422, "Reading it takes more than is allowed."),
    "quota-exceeded": (429, "The key has had as much as it may have, for now."),
    "internal": (500, "Something broke on our side."),
    "no-room": (503, "No more streams are taken, for now."),
    "unavailable": (503, "The service has no room or is not there, for now."),
    "storage-full": (507, "There is no room to store it, for now."),
    "deadline-exceeded": (504, "The answer did not come in time."),
}
"""Every code of the public contract, with its HTTP status and its title. What is not here is 422."""


class Refusal(VisavisError):  # noqa: N818  -- the outcome is the name, as in the tree of shared.model.errors
    """The gateway's own "no", with one of CODES; `members` extend the problem, `headers` go with it."""

    def __init__(
        self, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **members: str | float
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        self.members = members


class InvalidField(BaseModel):
    """One wrong parameter."""

    path: str = Field(description="Where it stands, e.g. `query.want`.")
    message: str = Field(description="What is wrong with it.")


class ProblemDocument(BaseModel):
    """RFC 9457 problem. `code` is the stable word to switch on; `detail` is a sentence for a person."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="`/problems/<code>`")
    title: str = Field(description="The same for every problem of this code.")
    status: int = Field(description="The HTTP status again.")
    code: str = Field(description=f"One of: {', '.join(f'`{code}`' for code in CODES)}.")
    detail: str = Field(description="What went wrong this time; where a limit was passed it names the setting.")
    trace_id: str = Field("", description="The request's trace, 32 hexadecimal digits: see `/v1/traces/{trace_id}`.")
    state: str | None = Field(None, description="The job's state, where it is the reason.")
    errors: list[InvalidField] | None = Field(None, description="Each wrong parameter, where there are several.")


def retry_seconds(error: VisavisError) -> float:
    """After how long whoever was told this may come back; 0: that would not help."""
    if isinstance(error, StorageFull):
        return FULL_RETRY_SECONDS
    if isinstance(error, Unavailable):
        return RETRY_SECONDS
    said = error.headers.get("Retry-After", "") if isinstance(error, Refusal) else ""
    return float(said) if said else 0.0


def status_of(code: str) -> int:
    """The HTTP status of a code."""
    return CODES.get(code, (422, ""))[0]


def documented(*codes: str) -> dict[int | str, dict[str, Any]]:
    """What an operation's OpenAPI entry says of its problems: by status, with an example a code."""
    found: dict[int | str, dict[str, Any]] = {}
    for code in (*codes, "internal"):
        status, title = CODES[code]
        entry = found.setdefault(
            status,
            {
                "model": ProblemDocument,
                "description": HTTPStatus(status).phrase,
                "content": {MEDIA_TYPE: {"examples": {}}},
            },
        )
        example = {"type": f"/problems/{code}", "title": title, "status": status, "code": code, "detail": title}
        entry["content"][MEDIA_TYPE]["examples"][code] = {
            "value": {**example, "trace_id": "0af7651916cd43dd8448eb211c80319c"}
        }
    return found


def answer(
    request: Request, code: str, detail: str, headers: Mapping[str, str] | None = None, **members: Any
) -> Response:
    """The problem as a response. What a route has put into `request.state.problem_headers` goes with it."""
    status, title = CODES.get(code, (422, "The input cannot be processed."))
    document = {"type": f"/problems/{code}", "title": title, "status": status, "code": code, "detail": detail}
    document |= {"trace_id": getattr(request.state, "trace_id", ""), **members}
    request.state.problem = code
    told = {**getattr(request.state, "problem_headers", {}), **(headers or {})}
    return Response(msgspec.json.encode(document), status, told, MEDIA_TYPE)


async def _rejected(request: Request, error: Rejected) -> Response:
    return answer(request, error.code, error.detail)


async def _refused(request: Request, error: Refusal) -> Response:
    return answer(request, error.code, error.detail, error.headers, **error.members)


async def _unavailable(request: Request, error: Unavailable) -> Response:
    code = "storage-full" if isinstance(error, StorageFull) else "unavailable"
    return answer(request, code, str(error), {"Retry-After": f"{retry_seconds(error):.0f}"})


async def _cut_off(request: Request, _error: ClientDisconnect) -> Response:
    return answer(request, "upload-cut-off", "The connection was closed before the upload was complete.")


async def _invalid(request: Request, error: RequestValidationError) -> Response:
    """What was sent is not repeated: it may be private."""
    wrong = [{"path": ".".join(map(str, one["loc"])), "message": one["msg"]} for one in error.errors()]
    detail = "; ".join(f"{one['path']}: {one['message']}" for one in wrong)
    return answer(request, "invalid-parameter", detail, errors=wrong)


_FRAMEWORK = {404: "not-found", 405: "method-not-allowed", 413: "too-large"}


async def _http(request: Request, error: HTTPException) -> Response:
    code = _FRAMEWORK.get(error.status_code, "malformed-request")
    return answer(request, code, CODES[code][1], error.headers)


async def _unexpected(request: Request, error: Exception) -> Response:
    log.error("unexpected", error=type(error).__name__, trace_id=getattr(request.state, "trace_id", ""))
    return answer(request, "internal", "Something broke on our side; the trace id leads to the log.")


def install(app: FastAPI) -> None:
    """Have the app answer every error as a problem."""
    handlers: dict[type[Exception], Any] = {
        Rejected: _rejected, Refusal: _refused, Unavailable: _unavailable, ClientDisconnect: _cut_off,
        RequestValidationError: _invalid, HTTPException: _http, Exception: _unexpected,
    }  # fmt: skip
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
