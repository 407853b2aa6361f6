"""A key in a cookie, and where one is sent back to."""

from __future__ import annotations

import pytest
from fastapi import Request, Response

from services.gateway.problems import Refusal
from services.gateway.traces import sign_in


def posted(body: bytes, **headers: str) -> Request:
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request({"type": "http", "method": "POST", "path": "/traces/sign-in", "headers": named}, receive)


@pytest.mark.parametrize("headers", [{"sec_fetch_site": "same-origin"}, {"origin": "http://here:1", "host": "here:1"}])
async def test_a_form_of_our_own_page_is_read(headers: dict[str, str]) -> None:
    assert await sign_in.form_of(posted(b"key=vv_a_b&next=%2Ftraces", **headers)) == {
        "key": "vv_a_b",
        "next": "/traces",
    }


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"}, {"sec_fetch_site": "same-site"}, {"origin": "http://else", "host": "here:1"},
        {"origin": "null", "host": "here:1"}, {"host": "here:1"}, {},
    ],
)  # fmt: skip
async def test_another_sites_form_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(Refusal, match="own page"):
        await sign_in.form_of(posted(b"key=a", **headers))


async def test_a_form_that_is_too_large_is_refused() -> None:
    with pytest.raises(Refusal, match="more than"):
        await sign_in.form_of(posted(b"key=" + b"a" * sign_in.MOST_BYTES, sec_fetch_site="same-origin"))


@pytest.mark.parametrize("encrypted", [True, False])
def test_the_cookie_is_for_these_pages_and_no_script_sees_it(encrypted: bool) -> None:
    answer = Response()
    sign_in.keep(answer, "vv_a_b", encrypted=encrypted)
    said = answer.headers["set-cookie"]
    assert all(word in said for word in ("HttpOnly", "Path=/traces", "SameSite=lax"))
    assert ("Secure" in said) is encrypted
    assert "Max-Age" not in said


def test_a_cookie_is_forgotten_where_it_was_kept() -> None:
    answer = Response()
    sign_in.forget(answer)
    assert all(word in answer.headers["set-cookie"] for word in ("Max-Age=0", "Path=/traces"))


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("/traces", True), (f"/traces/{'a' * 32}", True), (f"/traces/{'a' * 32}?from=250", True),
        ("/traces?id=x&state=error&name=%2Fv1", True),
        ("//evil.example/traces", False), ("/traces//evil.example", False),
        ("https://evil.example", False), ("/traces\r\nSet-Cookie: a=b", False), ("/v1/jobs", False), ("", False),
    ],
)  # fmt: skip
def test_one_is_sent_back_to_these_pages_only(address: str, kept: bool) -> None:
    assert sign_in.safe(address) == (address if kept else "/traces")
