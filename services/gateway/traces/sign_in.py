"""How a browser, which sends no Authorization by itself, shows the pages of traces a key: in a cookie."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from services.gateway.problems import Refusal
from services.gateway.scopes import Needs, authorization

if TYPE_CHECKING:
    from fastapi import Request, Response
    from starlette.requests import HTTPConnection

    from services.gateway.access import Access, Caller

PATH = "/traces"
COOKIE = "visavis-traces-key"
MOST_BYTES = 4096
_NEXT = re.compile(r"/traces(/[0-9a-f]{32})?(\?[\w=&.%+-]*)?", re.ASCII)


class PageNeeds(Needs):
    """A page's demand for a key: by the header, as everywhere, or by the cookie."""

    async def admit(self, connection: HTTPConnection) -> Caller:
        """Whose key that is. Raises as Access.admit."""
        access: Access = connection.app.state.parts.access
        said, key = authorization(connection), connection.cookies.get(COOKIE, "")
        is_for_us = said.lower().startswith("bearer ")  # else it is for a proxy before the gateway
        return await access.admit(f"Bearer {key}" if key and not is_for_us else said, self.scope)


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form that our own page has sent. Raises Refusal for another's, and one that is too large."""
    if not _is_ours(request):
        raise Refusal("forbidden", "This form is sent from the gateway's own page only.")
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_BYTES:
            raise Refusal("too-large", f"The form has more than {MOST_BYTES} bytes.")
    return {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}


def keep(answer: Response, key: str, *, encrypted: bool) -> None:
    """Have the browser keep the key until it is closed. encrypted: whether the page came by HTTPS."""
    answer.set_cookie(COOKIE, key, path=PATH, httponly=True, samesite="lax", secure=encrypted)


def forget(answer: Response) -> None:
    """Have the browser forget the key."""
    answer.delete_cookie(COOKIE, path=PATH, httponly=True, samesite="lax")


def wanted(request: Request) -> str:
    """The page that was asked for, to come back to."""
    query = f"?{request.url.query}" if request.url.query else ""
    return safe(request.url.path + query)


def safe(address: str) -> str:
    """An address on these pages as it is; of any other, the list's."""
    return address if _NEXT.fullmatch(address) else PATH


def _is_ours(request: Request) -> bool:
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin", "")  # any browser sends one of the two with a form
    return bool(origin) and urlsplit(origin).netloc == request.headers.get("host", "")
