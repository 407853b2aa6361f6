"""services/gateway/rest/idempotency.py. What becomes of a request that comes twice is in test_jobs.py."""

from __future__ import annotations

import re

from services.gateway.rest.idempotency import _KEY, IDEMPOTENCY_KEY


def test_the_documents_pattern_is_the_one_that_holds() -> None:
    documented = re.compile(IDEMPOTENCY_KEY["schema"]["pattern"])
    for word in (
        "12345678",
        "x" * 255,
        IDEMPOTENCY_KEY["example"],
        "short",
        "x" * 256,
        "with space",
        "tab\tin-it",
        "ä" * 9,
    ):
        assert bool(documented.match(word)) == bool(_KEY.fullmatch(word))
    assert _KEY.fullmatch(IDEMPOTENCY_KEY["example"])
