"""Names of jobs and sessions: 20 of a-z and 0-9, over 100 random bits, safe in subjects, keys and addresses."""

from __future__ import annotations

import hashlib
import re
import secrets
import string

LENGTH = 20
_ALPHABET = string.ascii_lowercase + string.digits
_NAME = re.compile(rf"[a-z0-9]{{{LENGTH}}}")


def new_name() -> str:
    """A name that nobody has and nobody can guess."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(LENGTH))


def name_of(*parts: str) -> str:
    """The name that goes with these words: the same whenever they are the same."""
    number = int.from_bytes(hashlib.sha256("\0".join(parts).encode()).digest())
    digits = []
    for _ in range(LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(digits)


def is_name(text: str) -> bool:
    """True if `text` can be such a name, and therefore part of a key or a subject."""
    return _NAME.fullmatch(text) is not None
