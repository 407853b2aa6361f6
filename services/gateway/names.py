"""Names of jobs and sessions: 20 of a-z and 0-9, over 100 random bits, safe in subjects, keys and addresses."""

from __future__ import annotations

import re
import secrets
import string

LENGTH = 20
_ALPHABET = string.ascii_lowercase + string.digits
_NAME = re.compile(rf"[a-z0-9]{{{LENGTH}}}")


def new_name() -> str:
    """A name that nobody has and nobody can guess."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(LENGTH))


def is_name(text: str) -> bool:
    """True if `text` can be such a name, and therefore part of a key or a subject."""
    return _NAME.fullmatch(text) is not None
