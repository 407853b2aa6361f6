"""A server that speaks S3, conditions on writing included, for tests: moto's, with a port of its own, in a process.

It keeps everything in memory. Requests are served one after the other: only so are moto's conditions atomic, as a
bucket's are. python -m tests.s3_server ADDRESS PORT
"""

from __future__ import annotations

import subprocess
import sys
import time
from importlib.util import find_spec
from typing import TYPE_CHECKING, Self

import httpx
import obstore
import pytest
from obstore.store import from_url

from tests.children import tied

if TYPE_CHECKING:
    from pathlib import Path

    from tests.hosts import Host

BUCKET = "visavis"
_PATIENCE_SECONDS = 60.0


class S3Server:
    """A bucket that is empty at first, as a context."""

    url = f"s3://{BUCKET}/test"
    """What VISAVIS_STORE_URL is set to, beside `environment`."""

    def __init__(self, log: Path, port: int, host: Host | None = None) -> None:
        """host: where; None: here, on loopback. The test is skipped where there is no moto."""
        if find_spec("moto") is None:
            pytest.skip("There is no moto to speak S3 with: make setup")
        self._log, self._port = log, port
        self._on, self._address = ([], "127.0.0.1") if host is None else (host.on, host.address)

    @property
    def environment(self) -> dict[str, str]:
        """What clients find the server and its credentials by."""
        return {
            "AWS_ENDPOINT": f"http://{self._address}:{self._port}",
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }

    def read(self, key: str) -> bytes:
        """An object that lies under `url`."""
        words = {name.lower(): value for name, value in self.environment.items()}
        options = {"allow_http": words.pop("aws_allow_http") == "true"}
        store = from_url(self.url, config=words, client_options=options)  # type: ignore[call-overload]  # of any store
        return bytes(obstore.get(store, key).bytes())

    def __enter__(self) -> Self:
        words = [*tied(), *self._on, sys.executable, "-m", "tests.s3_server", self._address, str(self._port)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            self._make_bucket()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def _make_bucket(self) -> None:
        end = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                httpx.put(f"{self.environment['AWS_ENDPOINT']}/{BUCKET}", trust_env=False, timeout=_PATIENCE_SECONDS)
            except httpx.TransportError:
                assert self._process.poll() is None, f"the server of S3 has ended: {self._log.read_text()[-400:]}"
                assert time.monotonic() < end, "the server of S3 does not answer"
                time.sleep(0.05)
            else:
                return


def _serve(address: str, port: int) -> None:
    from moto.server import DomainDispatcherApplication, create_backend_app  # noqa: PLC0415  -- needed there alone
    from werkzeug.serving import run_simple  # noqa: PLC0415

    run_simple(address, port, DomainDispatcherApplication(create_backend_app), threaded=False)


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]))
