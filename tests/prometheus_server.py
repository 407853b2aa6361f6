"""A real Prometheus on loopback for tests, with the scraping and the rules of deploy/, ended by its own process id.

Debian's package prometheus is needed: `make test` installs it where it may.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

import httpx
import pytest
import yaml

from tests import ending
from tests.expressions import RULES, SCRAPING
from tests.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PATIENCE_SECONDS = 60.0


def program(name: str = "prometheus") -> str:
    """Its path; the test is skipped where there is none."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"There is no {name} to ask: apt-get install prometheus")
    return found


class PrometheusServer:
    """A server that scrapes each second. A context."""

    def __init__(self, folder: Path, targets: Mapping[str, Sequence[str]], seconds: float = 1.0) -> None:
        """folder: one that is its own. targets: host:port of all processes of each job of deploy/."""
        self._program = program()
        self._folder = folder
        self._targets = targets
        self._seconds = seconds
        self._running: subprocess.Popen[bytes] | None = None
        self._http = httpx.Client(trust_env=False, timeout=PATIENCE_SECONDS)
        self.url = ""

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "prometheus.yml").write_text(yaml.safe_dump(self._configuration()))
        end = time.monotonic() + PATIENCE_SECONDS
        try:
            while not self._has_begun(end):
                assert time.monotonic() < end, (self._folder / "prometheus.log").read_text()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _has_begun(self, end: float) -> bool:
        """Start it and wait until it answers; False: it has ended, as it does where its port is taken."""
        [port] = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        words = {
            "config.file": self._folder / "prometheus.yml", "storage.tsdb.path": self._folder / "data",
            "web.listen-address": f"127.0.0.1:{port}", "enable-feature": "exemplar-storage", "log.level": "warn",
        }  # fmt: skip
        with (self._folder / "prometheus.log").open("wb") as log:
            self._running = subprocess.Popen(
                [self._program, *(f"--{name}={value}" for name, value in words.items())],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        while self._running.poll() is None:
            with suppress(httpx.TransportError):
                if self._http.get(f"{self.url}/-/ready").status_code == 200:
                    return True
            assert time.monotonic() < end, "prometheus does not answer"
            time.sleep(0.05)
        return False

    def __exit__(self, *_: object) -> None:
        self._http.close()
        if self._running is not None:
            ending.end(self._running, PATIENCE_SECONDS)

    def _configuration(self) -> dict[str, Any]:
        """That of deploy/, with addresses in place of names."""
        said: dict[str, Any] = yaml.safe_load(SCRAPING.read_text())
        every = f"{round(self._seconds * 1000)}ms"
        said["global"] = dict.fromkeys(("scrape_interval", "evaluation_interval", "scrape_timeout"), every)
        said["rule_files"] = [str(RULES)]
        for job in said["scrape_configs"]:
            del job["dns_sd_configs"]
            job["static_configs"] = [{"targets": list(self._targets[job["job_name"]])}]
        return said

    def names(self) -> set[str]:
        """Of all metrics that it has."""
        return set(self._ask("label/__name__/values"))

    def values(self, metric: str, label: str) -> set[str]:
        """Those of a label of a metric."""
        return set(self._ask(f"label/{label}/values", **{"match[]": metric}))

    def now(self, expr: str) -> list[dict[str, Any]]:
        """Series with their labels and newest value."""
        found: list[dict[str, Any]] = self._ask("query", query=expr)["result"]
        return found

    def between(self, expr: str, start: float, end: float, step: float) -> list[dict[str, Any]]:
        """Series with their labels and values. start, end: seconds since 1970; step: seconds."""
        asked = {"query": expr, "start": start, "end": end, "step": step}
        found: list[dict[str, Any]] = self._ask("query_range", **asked)["result"]
        return found

    def exemplars(self, expr: str, start: float, end: float) -> list[dict[str, Any]]:
        """Those of an expression's series."""
        found: list[dict[str, Any]] = self._ask("query_exemplars", query=expr, start=start, end=end)
        return found

    def rules(self) -> list[dict[str, Any]]:
        """Every rule, with its health and last error."""
        return [rule for group in self._ask("rules")["groups"] for rule in group["rules"]]

    def targets(self) -> list[dict[str, Any]]:
        """Who is scraped, with health and last error."""
        found: list[dict[str, Any]] = self._ask("targets")["activeTargets"]
        return found

    def _ask(self, path: str, **asked: Any) -> Any:
        answer = self._http.get(f"{self.url}/api/v1/{path}", params=asked).json()
        assert answer["status"] == "success", answer
        return answer["data"]
