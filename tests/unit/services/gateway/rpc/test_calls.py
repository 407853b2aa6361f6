"""How calls over gRPC fail."""

from __future__ import annotations

import grpc
import pytest

from services.gateway.problems import CODES
from services.gateway.rpc.calls import code_of, status_name


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("invalid-look", grpc.StatusCode.INVALID_ARGUMENT),
        ("unknown-asset", grpc.StatusCode.NOT_FOUND),
        ("no-room", grpc.StatusCode.RESOURCE_EXHAUSTED),
        ("unavailable", grpc.StatusCode.UNAVAILABLE),
        ("deadline-exceeded", grpc.StatusCode.DEADLINE_EXCEEDED),
        ("unauthenticated", grpc.StatusCode.UNAUTHENTICATED),
        ("forbidden", grpc.StatusCode.PERMISSION_DENIED),
        ("quota-exceeded", grpc.StatusCode.RESOURCE_EXHAUSTED),
        ("idle", grpc.StatusCode.DEADLINE_EXCEEDED),
        ("gone", grpc.StatusCode.ABORTED),
        ("internal", grpc.StatusCode.INTERNAL),
        ("said-by-a-lane", grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
def test_codes_are_canonical(code: str, status: grpc.StatusCode) -> None:
    assert code_of(code) is status


@pytest.mark.parametrize(
    ("end", "name"),
    [("ok", "OK"), ("cancelled", "CANCELLED"), ("no-room", "RESOURCE_EXHAUSTED"), ("internal", "INTERNAL")],
)
def test_how_a_call_ended_has_a_canonical_name(end: str, name: str) -> None:
    assert status_name(end) == name


def test_no_problem_is_a_success() -> None:
    assert grpc.StatusCode.OK not in {code_of(code) for code in CODES}
