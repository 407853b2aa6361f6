"""The documents that a function is called with and answers: the messages of the bus, as JSON or as MessagePack."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from shared.model.errors import Malformed
from shared.model.jobs import OUR_FAULTS, SegmentDone, SegmentFailed, SegmentRequested

if TYPE_CHECKING:
    from collections.abc import Mapping

JSON, MESSAGEPACK, CLOUD_EVENT = "application/json", "application/msgpack", "application/cloudevents+json"
_NAME, _SESSION = re.compile(r"[a-z0-9-]{1,64}"), re.compile(r"[!-~]{1,200}")


class Call(NamedTuple):
    """One call of the function."""

    request: SegmentRequested
    session: str
    """The name of this attempt: the event's id, or a new one."""
    kind: str = JSON
    """Media type of the answer."""
    is_event: bool = False
    """Whether it came as a CloudEvent, and is answered by one."""


def _checked(call: Call) -> Call:
    """Raises Malformed for names that could not be part of a key in the store, or of a header."""
    if not _NAME.fullmatch(call.request.job) or call.request.segment < 0:
        raise Malformed("The job's name has 1 to 64 of a-z, 0-9 and -, and its segments count from 0.")
    if not _SESSION.fullmatch(call.session):
        raise Malformed("The event's id has 1 to 200 visible ASCII characters.")
    return call


def call_of_event(event: object, session: str) -> Call:
    """A call from what a platform has parsed already. Raises Malformed with what is wrong and where."""
    try:
        return _checked(Call(msgspec.convert(event, SegmentRequested, strict=True), session))
    except msgspec.ValidationError as error:
        raise Malformed(f"The event is no SegmentRequested: {error}.") from error


def call_of_body(body: bytes, headers: Mapping[str, str]) -> Call:
    """A call from a request's body: JSON, MessagePack, or a CloudEvent (1.0; structured, or binary by its headers).

    headers: with names in lower case. Raises Malformed with what is wrong and where.
    """
    kind = headers.get("content-type", JSON).partition(";")[0].strip().lower()
    try:
        if kind == CLOUD_EVENT:
            return _of_structured(body)
        message: SegmentRequested
        if kind == MESSAGEPACK:
            message = msgspec.msgpack.decode(body, type=SegmentRequested)
        else:
            message = msgspec.json.decode(body, type=SegmentRequested)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Malformed(f"The body is no SegmentRequested: {error}.") from error
    answered = MESSAGEPACK if kind == MESSAGEPACK else JSON
    return _checked(Call(message, headers.get("ce-id") or new_session(), answered, "ce-specversion" in headers))


def call_of_url_event(event: Mapping[str, Any], session: str) -> Call:
    """A call from a request that Lambda has put into an event: a function URL's, or an API's (payload 2.0).

    Raises Malformed with what is wrong and where.
    """
    body, sent = event.get("body"), event.get("headers", {})
    if not isinstance(body, str) or not isinstance(sent, dict):
        raise Malformed("The request has no body, or no headers.")
    headers = {str(name).lower(): str(value) for name, value in sent.items()}
    data = _from_base64(body, "The body") if event.get("isBase64Encoded") else body.encode()
    return call_of_body(data, headers)._replace(session=session)


def is_url_event(event: object) -> bool:
    """Whether an event is an HTTP request, and not the document itself."""
    context = event.get("requestContext") if isinstance(event, dict) else None
    return isinstance(context, dict) and "http" in context


def new_session() -> str:
    """A name that no other attempt has."""
    return secrets.token_hex(8)


def answer_body(answer: SegmentDone | SegmentFailed, kind: str = JSON) -> bytes:
    """The answer as it is sent back."""
    return msgspec.msgpack.encode(answer) if kind == MESSAGEPACK else msgspec.json.encode(answer)


def status_of(answer: SegmentDone | SegmentFailed) -> int:
    """The answer's status in HTTP: 503 where the same call may go well another time, 422 where it would not."""
    if isinstance(answer, SegmentDone):
        return 200
    return 503 if answer.problem.code in OUR_FAULTS else 422


def _of_structured(body: bytes) -> Call:
    event: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
    if not isinstance(event.get("specversion"), str):
        raise Malformed("The event has no `specversion`: it is no CloudEvent.")
    session = str(event.get("id") or new_session())
    if "data_base64" in event:
        data = _from_base64(event["data_base64"], "`data_base64` of the event")
        inner = {"content-type": str(event.get("datacontenttype", JSON))}
        return _checked(call_of_body(data, inner)._replace(session=session, is_event=True))
    return call_of_event(event.get("data"), session)._replace(is_event=True)


def _from_base64(text: Any, what: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise Malformed(f"{what} is no Base64.") from error
