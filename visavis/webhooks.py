"""Signed calls back, as the convention Standard Webhooks has them: how Visavis signs, and how a receiver verifies.

Needs the standard library, nothing else.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "whsec_"
KEY_BYTES = (24, 64)
"""A secret's key has so many bytes at least and at most."""
ID_HEADER = "webhook-id"
TIME_HEADER = "webhook-timestamp"
SIGNATURE_HEADER = "webhook-signature"
_MOST_DIGITS = 12
_VERSION = "v1"


class VerificationError(ValueError):
    """The call is not to be believed; the text says why."""


def read_secrets(text: str) -> tuple[bytes, ...]:
    """The keys of secrets `whsec_<base64>`, separated by spaces or commas; empty where there are none.

    Raises ValueError, which tells nothing of them.
    """
    return tuple(_key(part) for part in text.replace(",", " ").split())


def sign(keys: tuple[bytes, ...], message_id: str, unix_seconds: int, body: bytes) -> dict[str, str]:
    """The headers of a call: its id, when it is made, and one signature a key.

    A signature is HMAC-SHA256 over `<id>.<seconds>.<body>`, in base64 behind `v1,`.
    """
    signatures = " ".join(_signature(key, message_id, str(unix_seconds), body) for key in keys)
    return {ID_HEADER: message_id, TIME_HEADER: str(unix_seconds), SIGNATURE_HEADER: signatures}


def verify(
    secret: str,
    headers: Mapping[str, str],
    body: bytes,
    tolerance_seconds: float = 300,
    *,
    now_unix_seconds: float | None = None,
) -> Any:
    """The document of a call that one of our secrets has signed. Raises VerificationError for every other call.

    secret: `whsec_...`; several, by spaces, while one replaces another. headers: of the request, however they are
    spelled. body: the bytes as they came. tolerance_seconds: so much older or newer than now may it be.
    now_unix_seconds: the time, where it is not this machine's. Raises ValueError where `secret` holds none.

    A call may come more than once: who must not act twice remembers its `webhook-id`.
    """
    keys = read_secrets(secret)
    if not keys:
        raise ValueError("There is no secret to verify with.")
    found = {name.lower(): value for name, value in headers.items()}
    missing = [name for name in (ID_HEADER, TIME_HEADER, SIGNATURE_HEADER) if not found.get(name)]
    if missing:
        raise VerificationError(f"The call has no {', '.join(missing)}.")
    told = found[TIME_HEADER]
    _check_time(told, time.time() if now_unix_seconds is None else now_unix_seconds, tolerance_seconds)
    came = [part.encode() for part in found[SIGNATURE_HEADER].split()]
    ours = [_signature(key, found[ID_HEADER], told, body).encode() for key in keys]
    if not any([hmac.compare_digest(one, other) for one in came for other in ours]):  # noqa: C419  -- all are compared
        raise VerificationError("No signature of the call is ours.")
    try:
        return json.loads(body)
    except ValueError as error:
        raise VerificationError("The body is no JSON.") from error


def _signature(key: bytes, message_id: str, seconds: str, body: bytes) -> str:
    digest = hmac.new(key, f"{message_id}.{seconds}.".encode() + body, hashlib.sha256).digest()
    return f"{_VERSION},{base64.b64encode(digest).decode('ascii')}"


def _check_time(told: str, now: float, tolerance_seconds: float) -> None:
    if not (told.isascii() and told.isdecimal() and len(told) <= _MOST_DIGITS):
        raise VerificationError("The call's time is no number of seconds.")
    age = now - int(told)
    if abs(age) > tolerance_seconds:
        raise VerificationError(f"The call is {'too old' if age > 0 else 'from the future'}: {abs(age):.0f} seconds.")


def _key(secret: str) -> bytes:
    least, most = KEY_BYTES
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not (secret.startswith(PREFIX) and least <= len(key) <= most):
        raise ValueError(f"A secret is {PREFIX} and the base64 of {least} to {most} bytes.")
    return key
