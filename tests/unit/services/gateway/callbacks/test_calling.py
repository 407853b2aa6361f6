"""One call, to a real server on loopback."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import msgspec
import pytest

from services.gateway.callbacks.answers import NotYet, Taken
from services.gateway.callbacks.calling import Caller
from services.gateway.callbacks.rules import CallbackRules
from shared.model.addresses import read_url
from shared.model.errors import Rejected
from shared.transport.dialing import Dialer
from tests.web import Web, serving
from visavis.webhooks import verify

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
RULES = CallbackRules.read(SECRET, "127.0.0.0/8", 0.01, 10)
BODY = b'{"state": "done"}'


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as running:
        yield running


async def test_a_call_is_signed_and_can_be_verified(web: Web) -> None:
    assert await Caller(RULES).call(read_url(web.url("/hook")), "j-done", BODY) == Taken()
    [(path, headers, body)] = web.posted
    assert (path, headers["Content-Type"], headers["webhook-id"]) == ("/hook", "application/json", "j-done")
    assert verify(SECRET, headers, body) == {"state": "done"}


async def test_what_the_receiver_says_is_the_verdict(web: Web) -> None:
    web.replies = [(429, {"Retry-After": "7"})]
    assert await Caller(RULES).call(read_url(web.url("/")), "j", BODY) == NotYet("It answered with HTTP 429.", 7.0)


async def test_a_redirect_is_no_yes_and_not_followed(web: Web) -> None:
    web.replies = [(302, {"Location": web.url("/other")})]
    assert isinstance(await Caller(RULES).call(read_url(web.url("/")), "j", BODY), NotYet)
    assert len(web.posted) == 1


async def test_nobody_there_is_not_yet() -> None:
    with serving() as gone:
        url = read_url(gone.url("/secret"))
    verdict = await Caller(RULES).call(url, "j", BODY)
    assert isinstance(verdict, NotYet)
    assert "secret" not in verdict.detail


async def test_who_is_silent_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # the kernel takes the connection, and nobody answers
        url = read_url(f"http://127.0.0.1:{silent.getsockname()[1]}/")
        verdict = await Caller(msgspec.structs.replace(RULES, patience_seconds=0.3)).call(url, "j", BODY)
    assert isinstance(verdict, NotYet)


@pytest.mark.parametrize("host", ["169.254.169.254", "[::1]", "127.0.0.1", "10.0.0.1", "rebound.example"])
async def test_addresses_that_are_not_public_are_refused(host: str, web: Web) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["93.184.216.34", "127.0.0.1"]

    dialer = Dialer(setting="callback_networks", resolve=resolve)
    with pytest.raises(Rejected, match="VISAVIS_CALLBACK_NETWORKS"):
        await Caller(RULES, dialer).call(read_url(f"http://{host}:{web.port}/"), "j", BODY)
    assert not web.posted
