"""API keys: what each may do, how much of it, and how it is told from every other."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
from enum import StrEnum
from typing import Annotated

import msgspec

PREFIX_LENGTH = 12
SECRET_LENGTH = 43
"""62^43 is more than 2^256."""
_PREFIX_SIGNS = string.ascii_lowercase + string.digits
_SECRET_SIGNS = string.ascii_letters + string.digits
_KEY = re.compile(rf"vv_([a-z0-9]{{{PREFIX_LENGTH}}})_([A-Za-z0-9]{{{SECRET_LENGTH}}})")
_PREFIX = re.compile(rf"[a-z0-9]{{{PREFIX_LENGTH}}}")
FOLDER = "keys"
"""Where the records of all keys lie in the object store."""


class Scope(StrEnum):
    """What a key may be used for. Lists of looks and models are given to every key."""

    PICTURES = "pictures"  # pictures, retouched and analysed
    JOBS = "jobs"  # videos
    STREAMS = "streams"  # live streams, those that clients send and those that are fetched
    ASSETS = "assets"  # what looks refer to
    OPERATIONS = "operations"  # metrics, and the traces of all keys


class Quotas(msgspec.Struct, frozen=True, kw_only=True):
    """How much a key may have of each gateway process; 0: no bound."""

    pixels_per_second: Annotated[int, msgspec.Meta(ge=0, le=1 << 40)] = 0
    """Of pictures and live streams, in the mean."""
    bytes_per_day: Annotated[int, msgspec.Meta(ge=0, le=1 << 50)] = 0
    """Of what is uploaded."""
    sessions: Annotated[int, msgspec.Meta(ge=0, le=1 << 20)] = 0
    """Live streams at a time, those that are fetched among them."""


class KeyRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a key; the key itself is not."""

    prefix: str
    """The part by which it is looked up; no secret."""
    name: str
    """What it was called, for people."""
    digest: str
    """SHA-256 of the secret part, hexadecimal."""
    scopes: tuple[Scope, ...]
    quotas: Quotas = Quotas()
    created_unix_seconds: float
    expires_unix_seconds: float | None = None
    """None: never."""
    revoked_unix_seconds: float | None = None
    """None: it was not."""

    def fits(self, secret: str) -> bool:
        """Whether that is the key's secret part. Takes as long whatever is wrong with it."""
        return hmac.compare_digest(self.digest, digest_of(secret))

    def holds(self, now_unix_seconds: float) -> bool:
        """Whether it can be used then: it has not ended and nobody has revoked it."""
        is_over = self.expires_unix_seconds is not None and now_unix_seconds >= self.expires_unix_seconds
        return self.revoked_unix_seconds is None and not is_over


def new_key() -> tuple[str, str]:
    """A key that nobody has, as its prefix and its secret part: 256 random bits."""
    return _drawn(_PREFIX_SIGNS, PREFIX_LENGTH), _drawn(_SECRET_SIGNS, SECRET_LENGTH)


def key_text(prefix: str, secret: str) -> str:
    """A key as its owner has it."""
    return f"vv_{prefix}_{secret}"


def split_key(text: str) -> tuple[str, str] | None:
    """Prefix and secret part of a key; None for what can be none."""
    found = _KEY.fullmatch(text)
    return (found[1], found[2]) if found else None


def digest_of(secret: str) -> str:
    """What is kept of a secret part. It is random as a whole, so that a slow hash would add nothing."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_prefix(text: str) -> bool:
    """True if `text` can be a key's prefix, and therefore part of an object's name."""
    return _PREFIX.fullmatch(text) is not None


def key_record_key(prefix: str) -> str:
    """Where the record of a key lies in the object store."""
    return f"{FOLDER}/{prefix}.json"


def _drawn(signs: str, length: int) -> str:
    return "".join(secrets.choice(signs) for _ in range(length))
