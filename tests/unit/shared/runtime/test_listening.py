from __future__ import annotations

import signal
from typing import Any

import httpx
import pytest
import uvicorn

from shared.model.errors import Misconfigured
from shared.runtime.listening import Listener, another_port, bound
from visavis.cli import main


async def app(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


async def test_it_serves_from_the_moment_that_it_listens_until_it_is_told_to_end() -> None:
    before = signal.getsignal(signal.SIGTERM)
    socket, url = bound("127.0.0.1", 0, "It", "its_port")
    listener = Listener(uvicorn.Config(app, lifespan="off", log_config=None))
    with socket:
        serving = await listener.listen(socket)
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(url)).status_code == 204
        assert signal.getsignal(signal.SIGTERM) is before
        listener.should_exit = True
        await serving


def test_a_port_that_is_taken_is_said_with_the_name_of_its_setting() -> None:
    socket, url = bound("127.0.0.1", 0, "It", "its_port")
    with socket:
        socket.listen()
        with pytest.raises(Misconfigured, match=r"It cannot listen on .*: choose another port by VISAVIS_ITS_PORT\.$"):
            bound("127.0.0.1", int(url.rpartition(":")[2]), "It", "its_port")


def test_a_port_that_an_option_names_is_said_with_it_too() -> None:
    assert another_port("rest_port") == "choose another port by VISAVIS_REST_PORT (of `visavis up`: --rest-port)"


def test_every_port_that_is_said_to_have_an_option_has_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["up", "--help"])
    said = capsys.readouterr().out
    assert "--rest-port" in said
    assert "--grpc-port" in said


def test_an_address_of_ipv6_stands_in_brackets() -> None:
    try:
        socket, url = bound("::1", 0, "It", "its_port")
    except Misconfigured:
        pytest.skip("This machine has no IPv6.")
    with socket:
        assert url.startswith("http://[::1]:")
