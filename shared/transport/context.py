"""Where the context of sessions is kept: small values by name, each for a while.

NATS speaks it (`nats_context`), Redis (`redis_context`), and the double in `shared.testing`.
"""

from __future__ import annotations

import asyncio
import math
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol

from shared.model.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ANSWER_SECONDS = 1.0
"""A store that has not answered after so long is away: who begins a session waits two seconds for an answer."""
MOST_BYTES = 512 * 1024
"""Of one value: half of what a NATS server takes. A session's past has 6 KB a face."""
MOST_SECONDS = 86_400
"""Nothing is kept for longer."""
_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")


class ContextStore(Protocol):
    """Values by name. A name has 1 to 128 of A-Z, a-z, 0-9, `_` and `-`; every method raises ValueError for others.

    Every method raises Unavailable if the store has not done it within ANSWER_SECONDS. What is kept may be gone at any
    time: a store that was full or began anew has forgotten it.
    """

    async def get(self, name: str) -> bytes | None:
        """What was put there last; None if nothing is there, or not any more."""
        ...

    async def put(self, name: str, body: bytes, seconds: float) -> None:
        """Keep a value instead of the one before, for `seconds`, rounded up to whole ones: 1 to MOST_SECONDS.

        body: not empty. Raises Unavailable for more than MOST_BYTES, too.
        """
        ...

    async def remove(self, *names: str) -> int:
        """Keep nothing there; names where nothing is are left as they are. Answers at how many there was something."""
        ...


def checked(*names: str) -> tuple[str, ...]:
    """The names. Raises ValueError for one that is none: some would mean many keys, or those of others."""
    for name in names:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a context.")
    return names


def lifetime(body: bytes, seconds: float) -> int:
    """How many seconds a value is kept. Raises Unavailable for one that is too large."""
    if len(body) > MOST_BYTES:
        raise Unavailable(f"A context of {len(body)} bytes is not kept: {MOST_BYTES} is the most.")
    return max(1, min(MOST_SECONDS, math.ceil(seconds)))


@asynccontextmanager
async def in_time(store: str) -> AsyncIterator[None]:
    """Raises Unavailable where what is within takes longer than ANSWER_SECONDS."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            yield
    except TimeoutError as error:
        raise Unavailable(f"{store} has not answered within {ANSWER_SECONDS:g} s.") from error
