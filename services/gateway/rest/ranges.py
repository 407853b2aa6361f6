"""Byte ranges of a result (RFC 9110, section 14)."""

from __future__ import annotations

import re

from services.gateway.problems import Refusal

_SINGLE = re.compile(r"bytes=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*")


def byte_range(header: str, size: int) -> tuple[int, int] | None:
    """[start, end) that a Range header asks of `size` bytes; None for the whole (no, several or odd ranges).

    Raises Refusal `range-not-satisfiable`.
    """
    found = _SINGLE.fullmatch(header)
    if found is None or not any(found.groups()):
        return None
    first, last = found.groups()
    if not first:  # the last bytes
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return None  # not valid, and therefore ignored
    if start >= end:
        detail = f"The result has {size} bytes; the range asked for lies outside of them."
        raise Refusal("range-not-satisfiable", detail, headers={"Content-Range": f"bytes */{size}"})
    return start, end
